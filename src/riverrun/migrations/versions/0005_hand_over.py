"""Runs count the deaths of their workers; tools have a ledger of their effects and a place for their large results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column, Integer, Text, Uuid

revision = "0005_hand_over"
down_revision = "0003_if_busy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A run that is under way has lost a worker in each of its attempts but the last, as it was counted before."""
    op.add_column("runs", Column("deaths", Integer, nullable=False, server_default="0"))
    op.execute("UPDATE runs SET deaths = attempt - 1 WHERE status = 'running'")
    op.alter_column("runs", "deaths", server_default=None)
    op.create_table(
        "tool_effects",
        belongs_to_run(),
        Column("effect_id", Text, primary_key=True),
        Column("tool", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "tool_results",
        belongs_to_run(),
        Column("call_id", Text, primary_key=True),
        Column("attempt", Integer, nullable=False),
        Column("result", Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("tool_results")
    op.drop_table("tool_effects")
    op.drop_column("runs", "deaths")


def belongs_to_run() -> Column[object]:
    return Column("run_id", Uuid, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
