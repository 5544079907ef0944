"""The tasks that answer a question, for the first time or again, and what they leave in the record."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_init
from pydantic_ai.models import Model
from redis.exceptions import RedisError
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from riverrun.agents.code_agent import code_agent
from riverrun.agents.errors import AgentFailed, ModelNotConfigured
from riverrun.agents.model_choice import choose_model
from riverrun.agents.model_tracing import traced
from riverrun.agents.runner import Limits, Turn, answer_question
from riverrun.agents.spending import Spending
from riverrun.conversations import statements
from riverrun.conversations.chat_history_service import ChatHistoryService
from riverrun.conversations.errors import REPOSITORY_REMOVED, RepositoryNotShared
from riverrun.conversations.models import CANCELLED, Conversation, MessageType
from riverrun.conversations.reading_statements import conversation_open_to, projects_closed_to, projects_left
from riverrun.conversations.tool_ledger import ToolLedger
from riverrun.infra.settings import Settings
from riverrun.infra.statement_canceller import StatementCanceller
from riverrun.infra.task_base import RunTask
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.errors import RunFailed, RunStopped
from riverrun.runs.lease import ClaimedRun
from riverrun.runs.models import Run, RunStatus
from riverrun.runs.performance import perform_run
from riverrun.runs.succession import wake_next
from riverrun.runs.task_names import ANSWER_TASK, REGENERATE_TASK
from riverrun.search.code_index import PostgresCodeIndex
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.usage.question_ends import release_question, settle_question

logger = logging.getLogger(__name__)


@worker_init.connect  # type: ignore[untyped-decorator]
def prepare_answers(sender: Any, **_: Any) -> None:
    """Build the agent and import its model's library before the worker forks: no question waits a second for them."""
    code_agent()
    with suppress(ModelNotConfigured):  # It is said to whoever asks.
        choose_model_by(sender.app.riverrun_settings)


@shared_task(bind=True, base=RunTask, name=ANSWER_TASK)  # type: ignore[untyped-decorator]
def execute_agent_background(self: RunTask, run_id: str) -> None:
    """Answer the question of a run."""
    _answer(self, UUID(run_id))


@shared_task(bind=True, base=RunTask, name=REGENERATE_TASK)  # type: ignore[untyped-decorator]
def execute_regenerate_background(self: RunTask, run_id: str) -> None:
    """Answer the question of a run again."""
    _answer(self, UUID(run_id))


def _answer(task: RunTask, run_id: UUID) -> None:
    perform_answer(task.resources, run_id, task_id=task.request.id)
    wake_next(task.app, task.resources.engine, run_id)


def perform_answer(resources: WorkerResources, run_id: UUID, *, task_id: str | None = None) -> None:
    """Perform a run that answers a question, and settle that; ``task_id`` is as of ``perform_run``.

    Nothing stays of an answer whose conversation was deleted meanwhile.
    """
    spending = Spending()
    work = partial(write_answer, resources, spending=spending)
    record = partial(save_answer, spending=spending)
    perform_run(run_id, resources, work, record, task_id=task_id, at_last=release_answer)
    _clear_deleted_run(resources, run_id)


def write_answer(resources: WorkerResources, attempt: Attempt, *, spending: Spending | None = None) -> None:
    """Let the agent answer, event by event; what that costs is added to ``spending``.

    Raises:
        RunStopped: somebody stopped the run; the model's connection is closed.
        RunFailed: the model or the agent's limits said no, in words for a person; or whoever asked may not ask here, or
            not see a repository, any more; or none is left.
    """
    model = resources.kept(model_of)
    with Session(resources.engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
        canceller = StatementCanceller(session)
        conversation = session.get(Conversation, attempt.run.subject_id)
        if conversation is None:
            raise RunStopped
        _require_rights(session, attempt.run, conversation)
        payload = attempt.run.payload
        history = ChatHistoryService(session.connection()).get_session_history(
            conversation.id, before_turn=payload["turn"]
        )
        spent = spending or Spending()
        answer = answer_question(
            payload["question"],
            _turns_of(history),
            PostgresCodeIndex(session, conversation.project_ids),
            model,
            lambda event_type, fields: attempt.emit(event_type, **fields),
            limits_by(resources.settings),
            ledger=ToolLedger(attempt, resources.engine),
            usage=spent.usage,
        )
        spent.was_asked = True
        _run_interruptibly(resources.runner, answer, attempt, canceller.cancel)


def save_answer(
    connection: Connection,
    attempt: Attempt,
    status: RunStatus,
    error: dict[str, Any] | None,
    *,
    spending: Spending | None = None,
) -> dict[str, Any]:
    """Settle the question, and store what was said as a message; the receipt's part of it.

    Nothing stays of an answer whose conversation is deleted.
    """
    run = attempt.run
    settle_question(connection, attempt, status, spending or Spending())
    if connection.scalar(statements.conversation_of(run.id)) is None:
        connection.execute(statements.forget_answer_to_nobody(run.id))
        return {"message_id": None, "chars": 0}
    history = ChatHistoryService(connection)
    if status is RunStatus.COMPLETED:
        history.add_message_chunk(run.id, attempt.snapshot)
        message_id = history.flush_message_buffer(run.subject_id, run.id)
    else:
        reason = error["title"] if error else CANCELLED
        message_id = history.save_partial_ai_message(run.subject_id, run.id, attempt.snapshot, reason=reason)
    return {"message_id": str(message_id) if message_id else None, "chars": len(attempt.snapshot.text)}


def release_answer(connection: Connection, attempt: Attempt, *_: Any) -> None:
    """Give the question back, and store no message. A recorder of last resort."""
    release_question(connection, attempt)
    connection.execute(statements.forget_answer_to_nobody(attempt.run.id))


def _clear_deleted_run(resources: WorkerResources, run_id: UUID) -> None:
    """Readers heard the end of a deleted run over its hot copy, which nobody needs any more."""
    try:
        with resources.engine.connect() as connection:
            is_deleted = connection.scalar(select(Run.id).where(Run.id == run_id)) is None
        if is_deleted:
            streams = RedisStreamManager(resources.redis, ttl_seconds=resources.settings.stream_ttl_seconds)
            streams.clear_session(run_id)
    except (DBAPIError, RedisError, OSError) as error:
        # What waits behind the run is to go on. A hot copy that stays runs out by itself, and is read by nobody.
        logger.warning("run %s: its hot copy is left to run out: %s", run_id, error)


def _run_interruptibly(
    runner: asyncio.Runner,
    answer: Coroutine[Any, Any, None],
    attempt: Attempt,
    cancel_statement: Callable[[], None],
) -> None:
    """Run the coroutine on the worker's loop; an interrupt cancels it from the keeper's thread.

    A tool that looks into the index holds the loop up meanwhile, so its statement is cancelled too.
    """

    async def cancellable() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            loop.call_soon_threadsafe(task.cancel)
            cancel_statement()

        attempt.on_interrupt(interrupt)
        await answer

    try:
        runner.run(cancellable(), context=copy_context())
    except asyncio.CancelledError:
        attempt.check()
        raise
    except AgentFailed as failure:
        raise RunFailed(failure.title, failure.detail) from failure


def _require_rights(session: Session, run: ClaimedRun, conversation: Conversation) -> None:
    """A question may have waited for long: what was taken away meanwhile is neither answered nor read for who asked."""
    still_open = conversation_open_to(run.user_id, conversation.id, run.payload.get("links", ()))
    if session.scalar(still_open) is None:
        raise RunFailed(
            "Whoever asked may not ask here any more",
            "They could when they asked. Since then the conversation is not shared with them any more, or their account "
            "was disabled.",
        )
    closed = projects_closed_to(run.user_id, conversation.project_ids)
    if session.scalar(closed.limit(1)) is not None:
        raise RunFailed(RepositoryNotShared.title, "It was shared when you asked, and is not any more.")
    if session.scalar(projects_left(conversation.project_ids).limit(1)) is None:
        raise RunFailed("The repository was removed", REPOSITORY_REMOVED)


def model_of(resources: WorkerResources) -> Model:
    """The model that the settings name, with the connections that it holds open between two answers."""
    try:
        chosen = choose_model_by(resources.settings)
    except ModelNotConfigured as error:
        raise RunFailed("The model is not set up", str(error)) from error
    return traced(chosen, resources.tracing.provider) if resources.tracing.is_on else chosen


def choose_model_by(settings: Settings) -> Model:
    """Raises ``ModelNotConfigured``."""
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
    return choose_model(
        settings.model,
        settings.model_base_url,
        key,
        extractive_delay_seconds=settings.extractive_delay_ms / 1_000,
    )


def limits_by(settings: Settings) -> Limits:
    """As long as the operator lets the model be silent, and an answer of some requests more."""
    patience = settings.model_patience_seconds
    return Limits(stall_seconds=patience, total_seconds=max(Limits().total_seconds, 5 * patience))


def _turns_of(history: list[tuple[str, str]]) -> list[Turn]:
    return [Turn("user" if kind == MessageType.HUMAN else "assistant", text) for kind, text in history]
