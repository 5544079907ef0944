"""Conversations: begin, list, rename, delete, ask, ask again, and stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.grants import Right
from riverrun.auth.principal import Principal, get_scoped, scoped
from riverrun.auth.revocations import Revocation
from riverrun.conversations import statements
from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.errors import NothingToRegenerate
from riverrun.conversations.models import CODE_AGENT, Conversation, Message, MessageType
from riverrun.conversations.orphaned_answers import keep_orphaned_answer
from riverrun.conversations.questions import (
    checked_question,
    projects_to_read,
    refuse_to_stop_others,
    require_indexes,
    require_repeat,
    require_say,
    title_of,
)
from riverrun.conversations.schemas import NewConversation
from riverrun.infra.celery_app import queue_name
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.kit.problem import NotFound
from riverrun.parsing.models import Project
from riverrun.runs.channels import RunChannels
from riverrun.runs.errors import SubjectBusy
from riverrun.runs.line_statements import active_run_of
from riverrun.runs.models import IfBusy, Run, RunKind
from riverrun.runs.run_service import AsyncRunService, CreatedRun, StoppedRuns
from riverrun.runs.schemas import StopReceipt
from riverrun.runs.statements import last_run_of
from riverrun.runs.stopping import stop_run
from riverrun.runs.task_names import TASKS
from riverrun.usage.usage_service import UsageService

UNTITLED = "New conversation"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A question that is stored, the run that answers it, and the wake-up to send after the commit."""

    created: CreatedRun
    message_id: UUID | None
    project_ids: Sequence[UUID]
    """What the conversation is about; whoever asked may see all of them that are there."""
    hides_sources: bool
    """Whether one of them is removed: what was read in it is shown to nobody."""

    @property
    def run(self) -> Run:
        return self.created.run


class ConversationService:
    """A verb a use case, in the request's transaction, for one principal."""

    def __init__(
        self,
        session: AsyncSession,
        principal: Principal,
        settings: Settings,
        channels: RunChannels,
        usage: UsageService,
        history: AsyncChatHistoryService,
    ) -> None:
        self._session = session
        self._principal = principal
        self._settings = settings
        self._channels = channels
        self._usage = usage
        self._history = history
        self._runs = AsyncRunService(session, keep_orphaned_answer)

    @classmethod
    def create(
        cls,
        session: AsyncSession,
        principal: Principal,
        settings: Settings,
        channels: RunChannels,
        usage: UsageService,
        *,
        async_db: AsyncSession | None = None,
    ) -> "ConversationService":
        """The service over ``session``, with a chat history over ``async_db`` if that is another one."""
        history = AsyncChatHistoryService(async_db or session)
        return cls(session, principal, settings, channels, usage, history)

    async def create_conversation(self, new: NewConversation, known_as: UUID | None = None) -> Conversation:
        """Begin a conversation about projects that the principal may see; or go on in the one that is ``known_as`` this.

        Raises:
            NotFound: one of the projects is not there for this principal.
            UsageLimitReached, TooManyQuestions: nothing could be asked in it now.
            SubjectBusy: one that was ``known_as`` this was deleted, and its answer is still being ended.
        """
        if known_as and (begun := await self._session.get(Conversation, known_as)):
            return begun
        await self._usage.check_usage_limit(self._principal, self._session)
        project_ids = list(dict.fromkeys(new.project_ids))
        found = await self._session.scalars(
            scoped(self._principal, Project, Right.VIEW).where(Project.id.in_(project_ids))
        )
        if len(found.all()) != len(project_ids):
            raise NotFound
        values = {
            "id": known_as or new_uuid(),
            "user_id": self._principal.user_id,
            "title": new.title or UNTITLED,
            "project_ids": project_ids,
            "agent_ids": new.agent_ids,
            "local_mode": new.local_mode,
        }
        is_new = await self._session.scalar(statements.begin_conversation(values)) is not None
        if known_as and is_new and (ending := await self.active_run(known_as)):
            raise SubjectBusy(ending.id)
        return await self._session.get_one(Conversation, values["id"])

    async def get(
        self, conversation_id: UUID, right: Right = Right.OWN, *, lock: bool = False
    ) -> Conversation:
        """The conversation, if the principal has this right on it.

        Raises:
            NotFound: the principal may not even see it.
            Forbidden: to see it is all that the principal may.
        """
        return await get_scoped(
            self._session, self._principal, Conversation, conversation_id, right, lock=lock
        )

    async def rename(self, conversation_id: UUID, title: str) -> None:
        """Give it a title."""
        (await self.get(conversation_id, lock=True)).title = title

    async def delete(self, conversation_id: UUID) -> StoppedRuns:
        """Delete it with its messages. Runs under way are told to stop."""
        conversation = await self.get(conversation_id, lock=True)
        await self._usage.hold(self._session, await self._runs.lock_line(conversation_id), self._principal)
        stopped = await self._runs.stop_all(conversation_id, rolls_back=True)
        self._session.add(Revocation(subject_id=conversation_id))
        await self._session.delete(conversation)
        await self._session.flush()
        return stopped

    async def active_run(self, conversation_id: UUID) -> Run | None:
        """The run that answers in this conversation now."""
        run: Run | None = await self._session.scalar(active_run_of(conversation_id))
        return run

    async def active_or_last_run(self, conversation_id: UUID) -> Run | None:
        """The run under way, else the newest one; none in a conversation without questions."""
        run: Run | None = await self._session.scalar(last_run_of(conversation_id))
        return await self.active_run(conversation_id) or run

    async def post_message(
        self,
        conversation_id: UUID,
        content: str,
        *,
        idempotency_key: str | None = None,
        if_busy: IfBusy = IfBusy.REJECT,
    ) -> Accepted:
        """Store the question with the run that will answer it and its wake-up, in one transaction.

        Raises:
            NotFound, Forbidden: the conversation is not the principal's to see, or to ask in.
            RepositoryNotShared: one of its repositories is not.
            InvalidRequest, PayloadTooLarge: an empty question, or one that is too long.
            IdempotencyKeyReused: the key was used for something else.
            ProjectNotReady: a repository without a complete index.
            SubjectBusy, LineFull: other answers are under way here, and ``if_busy`` says no.
            UsageLimitReached, TooManyQuestions: the principal may not ask more in this month or day.
        """
        text = checked_question(content, most_chars=self._settings.max_question_chars)
        conversation = await self.get(conversation_id, Right.ASK, lock=True)
        projects = await projects_to_read(self._session, self._principal, conversation)
        hides_sources = len(projects) < len(conversation.project_ids)
        if (earlier := await self._earlier(conversation, idempotency_key, text, hides_sources)) is not None:
            return earlier
        require_indexes(projects)
        await refuse_to_stop_others(self._session, self._principal, conversation, if_busy)
        last = await self._session.scalar(statements.last_question(conversation.id))
        question = Message(
            conversation_id=conversation.id,
            type=MessageType.HUMAN,
            turn=last.turn + 1 if last else 1,
            sender_id=self._principal.user_id,
            content=text,
        )
        created = await self._start(RunKind.ANSWER, conversation, question, idempotency_key, if_busy)
        question.run_id = created.run.id
        self._session.add(question)
        await self._session.flush()
        return Accepted(created, question.id, conversation.project_ids, hides_sources)

    async def regenerate(
        self,
        conversation_id: UUID,
        *,
        idempotency_key: str | None = None,
        if_busy: IfBusy = IfBusy.REJECT,
    ) -> Accepted:
        """Have the last question answered again. The old answer stays the one that is shown until the new is whole.

        Raises:
            NothingToRegenerate: there is no question.
            Problem: whatever ``post_message`` raises.
        """
        conversation = await self.get(conversation_id, Right.ASK, lock=True)
        projects = await projects_to_read(self._session, self._principal, conversation)
        hides_sources = len(projects) < len(conversation.project_ids)
        if (earlier := await self._earlier(conversation, idempotency_key, None, hides_sources)) is not None:
            return earlier
        require_indexes(projects)
        await refuse_to_stop_others(self._session, self._principal, conversation, if_busy)
        question = await self._session.scalar(statements.last_question(conversation.id))
        if question is None:
            raise NothingToRegenerate("Ask something first; then it can be answered again.")
        created = await self._start(RunKind.REGENERATION, conversation, question, idempotency_key, if_busy)
        return Accepted(created, question.id, conversation.project_ids, hides_sources)

    async def stop_generation(self, conversation_id: UUID) -> StopReceipt:
        """Stop the answer under way; what waits behind it comes next. Nothing under way: the last one's receipt.

        This waits for the worker, and therefore commits.

        Raises:
            NotFound, Forbidden: the conversation is not the principal's to see, or to ask in.
            NotFound: nothing was ever asked in it.
            Forbidden: the answer is one that somebody else asked for, and the conversation's owner is another.
        """
        await self.get(conversation_id, Right.ASK)
        run = await self.active_or_last_run(conversation_id)
        if run is None:
            raise NotFound
        require_say(self._principal, run)
        return await stop_run(run, self._session, self._channels, keep_orphaned_answer)

    async def _earlier(
        self, conversation: Conversation, idempotency_key: str | None, text: str | None, hides_sources: bool
    ) -> Accepted | None:
        found = await self._runs.find(self._principal.user_id, conversation.id, idempotency_key)
        if found is None:
            return None
        require_repeat(found.run, text)
        message_id = await self._session.scalar(statements.question_of(found.run.id))
        return Accepted(found, message_id, conversation.project_ids, hides_sources)

    async def _start(
        self,
        kind: RunKind,
        conversation: Conversation,
        question: Message,
        idempotency_key: str | None,
        if_busy: IfBusy,
    ) -> CreatedRun:
        """The run that answers ``question``. What it makes way for by a rollback is gone, but not that question."""
        standing = await self._usage.check_usage_limit(self._principal, self._session)
        title = title_of(question.content)
        if if_busy in (IfBusy.INTERRUPT, IfBusy.ROLLBACK):
            in_the_way = await self._runs.lock_line(conversation.id)
            await self._usage.hold(self._session, in_the_way, self._principal, standing)
        created = await self._runs.create(
            kind=kind,
            subject_id=conversation.id,
            user_id=self._principal.user_id,
            owner_id=conversation.user_id,
            payload={
                "title": title,
                "question": question.content,
                "turn": question.turn,
                "local_mode": conversation.local_mode,
                "links": list(self._principal.links),
            },
            task=TASKS[kind],
            queue=queue_name(self._settings, "chats"),
            idempotency_key=idempotency_key,
            if_busy=if_busy,
            most_waiting=self._settings.max_waiting_runs,
        )
        taken_back = created.stopped.runs if if_busy is IfBusy.ROLLBACK else ()
        if taken_back:
            forget = statements.forget_messages_of([run.id for run in taken_back], but=question.id)
            await self._session.execute(forget)
        conversation.updated_at = now()
        if conversation.title in (UNTITLED, *(run.payload["title"] for run in taken_back)):
            conversation.title = title
        agent_id = next(iter(conversation.agent_ids), CODE_AGENT)
        await self._usage.reserve(self._principal, self._session, standing, created.run, agent_id)
        return created
