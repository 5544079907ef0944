"""What a question must be before it is taken."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.agents.places import told_version, versioned
from riverrun.auth.principal import Principal, caller
from riverrun.conversations.errors import (
    REPOSITORY_REMOVED,
    IdempotencyKeyReused,
    ProjectNotReady,
    RepositoryNotShared,
)
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import PROJECTS_WITH_RIGHT
from riverrun.kit.problem import Forbidden, InvalidRequest, PayloadTooLarge
from riverrun.parsing.models import Project
from riverrun.runs.line_statements import ACTIVE
from riverrun.runs.models import IfBusy, Run, RunKind

TITLE_CHARS = 80


def checked_question(content: str, *, most_chars: int) -> str:
    """The question as it can be stored, without space around it: NUL is left out, half a surrogate pair becomes U+FFFD.

    Raises:
        InvalidRequest: nothing is left of it.
        PayloadTooLarge: it has more than ``most_chars`` characters.
    """
    paired = content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    question = paired.replace("\x00", "").strip()
    if not question:
        raise InvalidRequest("The question is empty: write what you want to know.")
    if len(question) > most_chars:
        raise PayloadTooLarge(
            f"The question has {len(question):,} characters; at most {most_chars:,} are taken."
        )
    return question


async def projects_to_read(
    session: AsyncSession, principal: Principal, conversation: Conversation
) -> Sequence[Project]:
    """The conversation's repositories that are there, all of which the agent may read for the principal.

    Raises:
        RepositoryNotShared: the principal may not see one of them.
    """
    values = {**caller(principal), "project_ids": conversation.project_ids}
    rows = await session.execute(PROJECTS_WITH_RIGHT, values)
    projects = rows.all()
    if not all(is_visible for _, is_visible in projects):
        raise RepositoryNotShared("Ask the owner to share the repository with you too: an answer reads it.")
    return [project for project, _ in projects]


def require_indexes(projects: Sequence[Project]) -> None:
    """Refuse questions about what is not indexed.

    Raises:
        ProjectNotReady: a repository has no complete index, or all were removed.
    """
    if not projects:
        raise ProjectNotReady(REPOSITORY_REMOVED)
    for project in projects:
        name = versioned(project.repo_name, told_version(project.branch_name))
        if project.indexed_at is None and project.error:
            raise ProjectNotReady(f"{name} has no index yet: {project.error}")
        if project.indexed_at is None:
            raise ProjectNotReady(f"{name} is still being indexed: ask again when its index is ready.")


async def refuse_to_stop_others(
    session: AsyncSession, principal: Principal, conversation: Conversation, if_busy: IfBusy
) -> None:
    """Only the owner may have somebody else's answer make way for their own.

    Raises:
        Forbidden: others' answers are under way, and ``if_busy`` would stop them.
    """
    if conversation.user_id == principal.user_id or if_busy not in (IfBusy.INTERRUPT, IfBusy.ROLLBACK):
        return
    of_others = select(Run.id).where(
        Run.subject_id == conversation.id, Run.status.in_(ACTIVE), Run.user_id != principal.user_id
    )
    if await session.scalar(of_others.limit(1)) is not None:
        raise Forbidden("Somebody else's answer is under way here: wait for its end.")


def require_repeat(run: Run, question: str | None) -> None:
    """Whoever sends a key again sends the question again that the run answers; none to have the last one answered again.

    Raises:
        IdempotencyKeyReused: the run came of something else.
    """
    kind = RunKind.REGENERATION if question is None else RunKind.ANSWER
    if run.kind != kind or question not in (None, run.payload["question"]):
        raise IdempotencyKeyReused("This Idempotency-Key was used for something else: send a fresh one.")


def require_say(principal: Principal, run: Run) -> None:
    """A run is stopped by who asked for it, or by the owner of what it works on.

    Raises:
        Forbidden: it is under way, and the principal is neither.
    """
    if run.end_seq is None and principal.user_id not in (run.user_id, run.owner_id):
        raise Forbidden("Somebody else asked for this: they can stop it, and the owner can.")


def title_of(question: str) -> str:
    """The question's first line, shortened to a title."""
    first_line = question.splitlines()[0]
    return first_line if len(first_line) <= TITLE_CHARS else first_line[: TITLE_CHARS - 1].rstrip() + "…"
