"""Runs wait in line behind each other, and a question has several answers, of which one is shown."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003_if_busy"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTIVE = sa.text("status IN ('queued', 'running')")
RUNNING = sa.text("status = 'running'")
IS_QUESTION = sa.text("type = 'HUMAN'")
IS_SHOWN_ANSWER = sa.text("type = 'AI_GENERATED' AND status = 'ACTIVE'")
TURN = ["conversation_id", "turn"]


def upgrade() -> None:
    op.add_column("runs", sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False))
    add_filled_column("runs", "is_rolled_back", sa.Boolean(), "false")
    op.drop_index("uq_runs_active_subject", "runs")
    op.create_index("uq_runs_running_subject", "runs", ["subject_id"], unique=True, postgresql_where=RUNNING)
    op.create_index("ix_runs_line", "runs", ["subject_id", "number"], postgresql_where=ACTIVE)
    add_filled_column("conversations", "local_mode", sa.Boolean(), "false")
    add_filled_column("messages", "status", sa.Text(), "'ACTIVE'")
    add_turns()
    op.drop_index("ix_messages_conversation", "messages")
    op.create_index("ix_messages_turn", "messages", TURN)
    op.create_index("ix_messages_run", "messages", ["run_id"])
    op.create_index("uq_messages_question", "messages", TURN, unique=True, postgresql_where=IS_QUESTION)
    op.create_index(
        "uq_messages_shown_answer", "messages", TURN, unique=True, postgresql_where=IS_SHOWN_ANSWER
    )


def downgrade() -> None:
    """Answers that were not shown, and runs that wait, are lost: there was no place for them."""
    op.execute("DELETE FROM messages WHERE status <> 'ACTIVE'")
    for index in ("uq_messages_shown_answer", "uq_messages_question", "ix_messages_run", "ix_messages_turn"):
        op.drop_index(index, "messages")
    op.create_index("ix_messages_conversation", "messages", ["conversation_id", "created_at"])
    op.drop_column("messages", "turn")
    op.drop_column("messages", "status")
    op.drop_column("conversations", "local_mode")
    op.execute(
        "DELETE FROM runs USING runs AS earlier WHERE earlier.subject_id = runs.subject_id AND "
        "earlier.number < runs.number AND earlier.status IN ('queued', 'running') AND runs.status = 'queued'"
    )
    op.drop_index("ix_runs_line", "runs")
    op.drop_index("uq_runs_running_subject", "runs")
    op.create_index("uq_runs_active_subject", "runs", ["subject_id"], unique=True, postgresql_where=ACTIVE)
    op.drop_column("runs", "is_rolled_back")
    op.drop_column("runs", "number")


def add_filled_column(table: str, name: str, type_: sa.types.TypeEngine[Any], value: str) -> None:
    """A required column whose old rows get ``value``; new ones are told by whoever writes them."""
    op.add_column(table, sa.Column(name, type_, nullable=False, server_default=sa.text(value)))
    op.alter_column(table, name, server_default=None)


def add_turns() -> None:
    """Count the questions of each conversation; an answer has the turn of the question that its run was made for."""
    op.add_column("messages", sa.Column("turn", sa.Integer))
    op.execute(
        "UPDATE messages SET turn = counted.turn FROM (SELECT id, greatest(1, count(*) FILTER (WHERE type = 'HUMAN') "
        "OVER (PARTITION BY conversation_id ORDER BY created_at, id)) AS turn FROM messages) AS counted "
        "WHERE counted.id = messages.id"
    )
    op.execute(
        "UPDATE messages SET turn = question.turn FROM messages AS question "
        "WHERE question.run_id = messages.run_id AND question.type = 'HUMAN' AND messages.type <> 'HUMAN'"
    )
    op.alter_column("messages", "turn", nullable=False)
    op.execute(
        "UPDATE runs SET payload = payload || jsonb_build_object('turn', messages.turn) FROM messages "
        "WHERE messages.run_id = runs.id AND messages.type = 'HUMAN'"
    )
