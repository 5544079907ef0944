"""Let a run's row say which trace it belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0015_traceparent"
down_revision = "0014_paths_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("traceparent", sa.Text))


def downgrade() -> None:
    op.drop_column("runs", "traceparent")
