"""Find what has just run out by an index: open streams end with it."""

import sqlalchemy as sa
from alembic import op

revision = "0012_expiry"
down_revision = "0011_usage"
branch_labels = None
depends_on = None

EXPIRES = sa.text("expires_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_grants_expires_at", "grants", ["expires_at"], postgresql_where=EXPIRES)
    op.create_index("ix_access_tokens_expires_at", "access_tokens", ["expires_at"], postgresql_where=EXPIRES)


def downgrade() -> None:
    op.drop_index("ix_access_tokens_expires_at", "access_tokens")
    op.drop_index("ix_grants_expires_at", "grants")
