"""Conversations: begin, list, rename, delete, and ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal, get_scoped, scoped
from riverrun.conversations import statements
from riverrun.conversations.errors import ProjectNotReady
from riverrun.conversations.models import Conversation, Message, MessageType
from riverrun.conversations.schemas import ConversationInfo, ConversationView, NewConversation
from riverrun.infra.celery_app import queue_name
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.problem import InvalidRequest, NotFound, PayloadTooLarge
from riverrun.parsing.models import Project
from riverrun.runs.models import Run, RunKind
from riverrun.runs.run_service import AsyncRunService, CreatedRun
from riverrun.runs.statements import active_run_of, last_recorded_at, last_run_of

UNTITLED = "New conversation"
TITLE_CHARS = 80
ANSWER_TASK = "riverrun.execute_agent_background"


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

    def __init__(self, session: AsyncSession, principal: Principal, settings: Settings) -> None:
        self._session = session
        self._principal = principal
        self._settings = settings

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
        names = await self._repository_names(conversations)
        return [ConversationView.of(row, names.get(row.project_ids[0])) for row in conversations]

    async def get_info(self, conversation_id: UUID) -> ConversationInfo:
        """One conversation with its number of messages."""
        conversation = await self.get(conversation_id)
        names = await self._repository_names([conversation])
        total = await self._session.scalar(statements.count_messages(conversation_id))
        view = ConversationView.of(conversation, names.get(conversation.project_ids[0]))
        return ConversationInfo(**view.model_dump(), total_messages=total or 0)

    async def get(self, conversation_id: UUID, *, lock: bool = False) -> Conversation:
        """The conversation, if it is the principal's.

        Raises:
            NotFound: it is not.
        """
        return await get_scoped(self._session, self._principal, Conversation, conversation_id, lock=lock)

    async def rename(self, conversation_id: UUID, title: str) -> None:
        """Give it a title."""
        (await self.get(conversation_id)).title = title

    async def delete(self, conversation_id: UUID) -> None:
        """Delete it with its messages. A run under way is told to stop; its events go with the user's data."""
        await self.get(conversation_id)
        if (run := await self.active_run(conversation_id)) is not None:
            # Before the conversation is locked: the run's end locks in this order too.
            await AsyncRunService(self._session).request_stop(run)
        await self._session.delete(await self.get(conversation_id, lock=True))

    async def active_run(self, conversation_id: UUID) -> Run | None:
        """The run that answers in this conversation now."""
        run: Run | None = await self._session.scalar(active_run_of(conversation_id))
        return run

    async def last_activity(self, run: Run) -> datetime:
        """When the run's newest recorded event was recorded."""
        return await self._session.scalar(last_recorded_at(run.id)) or run.created_at

    async def active_or_last_run(self, conversation_id: UUID) -> Run | None:
        """The run under way, else the newest one; none in a conversation without questions."""
        run: Run | None = await self._session.scalar(last_run_of(conversation_id))
        return await self.active_run(conversation_id) or run

    async def post_message(
        self, conversation_id: UUID, content: str, *, idempotency_key: str | None = None
    ) -> Accepted:
        """Store the question with the run that will answer it and its wake-up, in one transaction.

        Raises:
            NotFound: the conversation is not the principal's.
            InvalidRequest, PayloadTooLarge: an empty question, or one that is too long.
            ProjectNotReady: a repository without a complete index.
            SubjectBusy: another answer is under way here.
        """
        question = self._checked(content)
        conversation = await self.get(conversation_id, lock=True)
        await self._require_indexes(conversation)
        created = await AsyncRunService(self._session).create(
            kind=RunKind.ANSWER,
            subject_id=conversation.id,
            user_id=self._principal.user_id,
            payload={"title": _title_of(question), "question": question},
            task=ANSWER_TASK,
            queue=queue_name(self._settings, "chats"),
            idempotency_key=idempotency_key,
        )
        if created.wake_up is None:
            return Accepted(created, await self._session.scalar(statements.question_of(created.run.id)))
        message = Message(
            conversation_id=conversation.id,
            run_id=created.run.id,
            type=MessageType.HUMAN,
            sender_id=self._principal.user_id,
            content=question,
        )
        self._session.add(message)
        conversation.updated_at = now()
        if conversation.title == UNTITLED:
            conversation.title = _title_of(question)
        await self._session.flush()
        return Accepted(created, message.id)

    def _checked(self, content: str) -> str:
        question = content.replace("\x00", "").encode("utf-8", "replace").decode().strip()
        if not question:
            raise InvalidRequest("The question is empty: write what you want to know.")
        limit = self._settings.max_question_chars
        if len(question) > limit:
            raise PayloadTooLarge(
                f"The question has {len(question):,} characters; at most {limit:,} are taken."
            )
        return question

    async def _require_indexes(self, conversation: Conversation) -> None:
        rows = await self._session.scalars(
            scoped(self._principal, Project).where(Project.id.in_(conversation.project_ids))
        )
        projects = rows.all()
        if not projects:
            raise ProjectNotReady(
                "The repository of this conversation was removed: start a new conversation."
            )
        for project in projects:
            if project.indexed_at is None:
                raise ProjectNotReady(
                    f"{project.repo_name} is {project.error or 'still being indexed'}: "
                    "ask again when its index is ready."
                )

    async def _repository_names(self, conversations: Sequence[Conversation]) -> dict[UUID, str]:
        wanted = {conversation.project_ids[0] for conversation in conversations}
        rows = await self._session.execute(
            select(Project.id, Project.repo_name).where(
                Project.id.in_(wanted), Project.user_id == self._principal.user_id
            )
        )
        return {row.id: row.repo_name for row in rows}


def _title_of(question: str) -> str:
    first_line = question.splitlines()[0]
    return first_line if len(first_line) <= TITLE_CHARS else first_line[: TITLE_CHARS - 1].rstrip() + "…"
