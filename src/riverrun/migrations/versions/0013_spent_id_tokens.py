"""ID tokens that were used: each signs in once."""

import sqlalchemy as sa
from alembic import op

revision = "0013_spent_id_tokens"
down_revision = "0012_expiry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spent_id_tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_spent_id_tokens_forget_at", "spent_id_tokens", ["forget_at"])


def downgrade() -> None:
    op.drop_table("spent_id_tokens")
