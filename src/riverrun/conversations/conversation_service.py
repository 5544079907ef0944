"""Conversations: begin, list, rename, delete, ask, ask again, and stop."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal, get_scoped, scoped
from riverrun.conversations import statements
from riverrun.conversations.chat_history_service import AsyncChatHistoryService
from riverrun.conversations.errors import NothingToRegenerate
from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.conversations.orphaned_answers import keep_orphaned_answer
from riverrun.conversations.questions import checked_question, require_indexes, title_of
from riverrun.conversations.repository_names import repository_names
from riverrun.conversations.schemas import (
    ConversationInfo,
    ConversationView,
    MessageView,
    NewConversation,
)
from riverrun.infra.celery_app import queue_name
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.problem import NotFound
from riverrun.parsing.models import Project
from riverrun.runs.channels import RunChannels
from riverrun.runs.line_statements import active_run_of
from riverrun.runs.models import IfBusy, Run, RunKind
from riverrun.runs.run_service import AsyncRunService, CreatedRun, StoppedRuns
from riverrun.runs.schemas import StopReceipt
from riverrun.runs.statements import last_run_of
from riverrun.runs.stopping import stop_run
from riverrun.runs.task_names import TASKS

UNTITLED = "New conversation"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A question that is stored, the run that answers it, and the wake-up to send after the commit."""

    created: CreatedRun
    message_id: UUID | None

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
        history: AsyncChatHistoryService,
    ) -> None:
        self._session = session
        self._principal = principal
        self._settings = settings
        self._channels = channels
        self._history = history
        self._runs = AsyncRunService(session, keep_orphaned_answer)

    @classmethod
    def create(
        cls,
        session: AsyncSession,
        principal: Principal,
        settings: Settings,
        channels: RunChannels,
        *,
        async_db: AsyncSession | None = None,
    ) -> "ConversationService":
        """The service over ``session``, with a chat history over ``async_db`` if that is another one."""
        return cls(session, principal, settings, channels, AsyncChatHistoryService(async_db or session))

    async def create_conversation(self, new: NewConversation) -> Conversation:
        """Begin a conversation about projects of the principal.

        Raises:
            NotFound: one of the projects is not there for this principal.
        """
        project_ids = list(dict.fromkeys(new.project_ids))
        found = await self._session.scalars(
            scoped(self._principal, Project).where(Project.id.in_(project_ids))
        )
        if len(found.all()) != len(project_ids):
            raise NotFound
        conversation = Conversation(
            user_id=self._principal.user_id,
            title=new.title or UNTITLED,
            project_ids=project_ids,
            agent_ids=new.agent_ids,
            local_mode=new.local_mode,
        )
        self._session.add(conversation)
        await self._session.flush()
        return conversation

    async def list_conversations(self, start: int, limit: int) -> list[ConversationView]:
        """The principal's conversations, the last used first."""
        rows = await self._session.scalars(
            scoped(self._principal, Conversation)
            .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
            .offset(start)
            .limit(limit)
        )
        conversations = rows.all()
        names = await repository_names(self._session, self._principal, conversations)
        return [ConversationView.of(row, names.get(row.project_ids[0])) for row in conversations]

    async def get_info(self, conversation_id: UUID) -> ConversationInfo:
        """One conversation with its number of messages."""
        conversation = await self.get(conversation_id)
        names = await repository_names(self._session, self._principal, [conversation])
        total = await self._session.scalar(statements.count_messages(conversation_id))
        active = await self.active_run(conversation_id)
        view = ConversationView.of(conversation, names.get(conversation.project_ids[0]))
        return ConversationInfo(
            **view.model_dump(), total_messages=total or 0, run_id=active.id if active else None
        )

    async def get_messages(
        self, conversation_id: UUID, start: int, limit: int, *, with_siblings: bool
    ) -> list[MessageView]:
        """A page of what was said, in order."""
        await self.get(conversation_id)
        return await self._history.get_messages(conversation_id, start, limit, with_siblings=with_siblings)

    async def get_message(self, conversation_id: UUID, message_id: UUID) -> MessageView:
        """One message.

        Raises:
            NotFound: it is not there for this principal.
        """
        await self.get(conversation_id)
        message = await self._history.get_message(conversation_id, message_id)
        if message is None:
            raise NotFound
        return message

    async def get(self, conversation_id: UUID, *, lock: bool = False) -> Conversation:
        """The conversation, if it is the principal's.

        Raises:
            NotFound: it is not.
        """
        return await get_scoped(self._session, self._principal, Conversation, conversation_id, lock=lock)

    async def rename(self, conversation_id: UUID, title: str) -> None:
        """Give it a title."""
        (await self.get(conversation_id)).title = title

    async def delete(self, conversation_id: UUID) -> StoppedRuns:
        """Delete it with its messages. Runs under way are told to stop; their events go with the user's data."""
        conversation = await self.get(conversation_id, lock=True)
        stopped = await self._runs.stop_all(conversation_id, rolls_back=True)
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
            NotFound: the conversation is not the principal's.
            InvalidRequest, PayloadTooLarge: an empty question, or one that is too long.
            ProjectNotReady: a repository without a complete index.
            SubjectBusy, LineFull: other answers are under way here, and ``if_busy`` says no.
        """
        text = checked_question(content, most_chars=self._settings.max_question_chars)
        conversation = await self.get(conversation_id, lock=True)
        if (earlier := await self._earlier(conversation, idempotency_key)) is not None:
            return earlier
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
        return Accepted(created, question.id)

    async def regenerate(
        self,
        conversation_id: UUID,
        *,
        idempotency_key: str | None = None,
        if_busy: IfBusy = IfBusy.REJECT,
    ) -> Accepted:
        """Have the last question answered again. The old answer stays the one that is shown until the new is whole.

        Raises:
            NotFound: the conversation is not the principal's.
            NothingToRegenerate: there is no question.
            ProjectNotReady, SubjectBusy, LineFull: as ``post_message``.
        """
        conversation = await self.get(conversation_id, lock=True)
        if (earlier := await self._earlier(conversation, idempotency_key)) is not None:
            return earlier
        question = await self._session.scalar(statements.last_question(conversation.id))
        if question is None:
            raise NothingToRegenerate("Ask something first; then it can be answered again.")
        created = await self._start(RunKind.REGENERATION, conversation, question, idempotency_key, if_busy)
        return Accepted(created, question.id)

    async def stop_generation(self, conversation_id: UUID) -> StopReceipt:
        """Stop the answer under way; what waits behind it comes next. Nothing under way: the last one's receipt.

        This waits for the worker, and therefore commits.

        Raises:
            NotFound: the conversation is not the principal's, or nothing was ever asked in it.
        """
        await self.get(conversation_id)
        run = await self.active_or_last_run(conversation_id)
        if run is None:
            raise NotFound
        return await stop_run(run, self._session, self._channels, keep_orphaned_answer)

    async def _earlier(self, conversation: Conversation, idempotency_key: str | None) -> Accepted | None:
        found = await self._runs.find(self._principal.user_id, conversation.id, idempotency_key)
        if found is None:
            return None
        return Accepted(found, await self._session.scalar(statements.question_of(found.run.id)))

    async def _start(
        self,
        kind: RunKind,
        conversation: Conversation,
        question: Message,
        idempotency_key: str | None,
        if_busy: IfBusy,
    ) -> CreatedRun:
        """The run that answers ``question``. What it makes way for by a rollback is gone, but not that question."""
        await require_indexes(self._session, self._principal, conversation)
        title = title_of(question.content)
        created = await self._runs.create(
            kind=kind,
            subject_id=conversation.id,
            user_id=self._principal.user_id,
            payload={
                "title": title,
                "question": question.content,
                "turn": question.turn,
                "local_mode": conversation.local_mode,
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
        return created
