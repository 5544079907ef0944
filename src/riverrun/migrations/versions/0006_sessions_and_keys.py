"""Names that clients give to runs, and API keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006_sessions_and_keys"
down_revision = "0005_hand_over"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_names",
        parent("conversation_id", "conversations.id", primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        parent("run_id", "runs.id", unique=True),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid, primary_key=True),
        parent("user_id", "users.id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key_hash", sa.Text, nullable=False, unique=True),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_api_keys_user", "api_keys", ["user_id"])


def downgrade() -> None:
    """Keys do not open anything any more, and runs go by their own ids alone."""
    op.drop_table("api_keys")
    op.drop_table("session_names")


def parent(
    name: str, target: str, *, primary_key: bool = False, unique: bool | None = None
) -> sa.Column[object]:
    """A reference to a row with which this one goes."""
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, key, primary_key=primary_key, unique=unique, nullable=False)
