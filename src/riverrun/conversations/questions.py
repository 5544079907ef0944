"""What a question must be before it is taken."""

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.principal import Principal, scoped
from riverrun.conversations.errors import ProjectNotReady
from riverrun.conversations.models import Conversation
from riverrun.kit.problem import InvalidRequest, PayloadTooLarge
from riverrun.parsing.models import Project

TITLE_CHARS = 80


def checked_question(content: str, *, most_chars: int) -> str:
    """The question as it can be stored, without space around it.

    Raises:
        InvalidRequest: nothing is left of it.
        PayloadTooLarge: it has more than ``most_chars`` characters.
    """
    question = content.replace("\x00", "").encode("utf-8", "replace").decode().strip()
    if not question:
        raise InvalidRequest("The question is empty: write what you want to know.")
    if len(question) > most_chars:
        raise PayloadTooLarge(
            f"The question has {len(question):,} characters; at most {most_chars:,} are taken."
        )
    return question


async def require_indexes(session: AsyncSession, principal: Principal, conversation: Conversation) -> None:
    """Refuse questions about what is not indexed.

    Raises:
        ProjectNotReady: a repository of the conversation has no complete index, or all were removed.
    """
    rows = await session.scalars(scoped(principal, Project).where(Project.id.in_(conversation.project_ids)))
    projects = rows.all()
    if not projects:
        raise ProjectNotReady("The repository of this conversation was removed: start a new conversation.")
    for project in projects:
        if project.indexed_at is None and project.error:
            raise ProjectNotReady(f"{project.repo_name} has no index yet: {project.error}")
        if project.indexed_at is None:
            raise ProjectNotReady(
                f"{project.repo_name} is still being indexed: ask again when its index is ready."
            )


def title_of(question: str) -> str:
    """The question's first line, shortened to a title."""
    first_line = question.splitlines()[0]
    return first_line if len(first_line) <= TITLE_CHARS else first_line[: TITLE_CHARS - 1].rstrip() + "…"
