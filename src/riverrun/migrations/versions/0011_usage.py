"""The ledger of questions with its counters, limits, and plans as the billing system names them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011_usage"
down_revision = "0010_ways_in"
branch_labels = None
depends_on = None

AN_INSTANT = sa.DateTime(timezone=True)
NUMBERS = ("questions_per_day", "questions_per_month", "tokens_per_day", "tokens_per_month")


def upgrade() -> None:
    op.create_table(
        "usage_entries",
        sa.Column("run_id", sa.Uuid, primary_key=True),
        user_id(primary_key=False),
        sa.Column("api_key_id", sa.Uuid),
        sa.Column("organisation_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("asked_on", sa.Date, nullable=False),
        sa.Column("reserved_tokens", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", AN_INSTANT, nullable=False),
        sa.Column("settled_at", AN_INSTANT),
    )
    op.create_index("ix_usage_entries_user_day", "usage_entries", ["user_id", "asked_on"])
    op.create_index("ix_usage_entries_day", "usage_entries", ["asked_on"])
    op.create_table(
        "usage_counters",
        *holder(),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("starts_on", sa.Date, primary_key=True),
        sa.Column("questions", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "usage_limits",
        *holder(),
        sa.Column("plan", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in NUMBERS),
        sa.Column("changed_at", AN_INSTANT, nullable=False),
    )
    op.create_table(
        "subscriptions",
        user_id(primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("learnt_at", AN_INSTANT, nullable=False),
    )


def downgrade() -> None:
    """Nobody is counted, and nobody has a limit."""
    for table in ("subscriptions", "usage_limits", "usage_counters", "usage_entries"):
        op.drop_table(table)


def holder() -> tuple[sa.Column[object], sa.Column[object]]:
    """Whose row it is, as the beginning of the primary key."""
    return sa.Column("holder_kind", sa.Text, primary_key=True), sa.Column(
        "holder_id", sa.Uuid, primary_key=True
    )


def user_id(*, primary_key: bool) -> sa.Column[object]:
    """A reference to the user with whom the row goes."""
    key = sa.ForeignKey("users.id", ondelete="CASCADE")
    return sa.Column("user_id", sa.Uuid, key, primary_key=primary_key, nullable=False)
