"""A worker's end of a question: settled in the transaction of the run's end, with what the model has reported."""

from typing import Any

from sqlalchemy import Connection

from riverrun.agents.spending import Spending
from riverrun.runs.attempt import Attempt
from riverrun.runs.models import RunStatus
from riverrun.usage.settlement import RELEASED, estimated_tokens, settle_attempt, was_heard
from riverrun.usage.statements import settle


def settle_question(connection: Connection, attempt: Attempt, status: RunStatus, spending: Spending) -> None:
    """Settle the run's question by what this attempt has spent; of earlier ones that died nobody knows it."""
    said = attempt.snapshot
    tokens = spending.tokens(
        asked_tokens=estimated_tokens(attempt.run.payload["question"]),
        written_tokens=estimated_tokens(said.text, said.thinking),
        is_whole=status is RunStatus.COMPLETED,
    )
    heard = was_heard(said) or spending.usage.output_tokens > 0
    settlement = settle_attempt(status, was_asked=spending.was_asked, was_heard=heard, tokens=tokens)
    connection.execute(settle(attempt.run.id, settlement))


def release_question(connection: Connection, attempt: Attempt, *_: Any) -> None:
    """Give the question back: what came of it cannot be stored. A recorder of last resort."""
    connection.execute(settle(attempt.run.id, RELEASED))
