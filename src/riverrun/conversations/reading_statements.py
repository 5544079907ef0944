"""Who may look at what, and whether with the sources, as SQL. Put together once: each request brings values only."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    false,
    func,
    join,
    literal,
    or_,
    select,
)

from riverrun.auth.grants import Right
from riverrun.auth.principal import CALLER, Who, has_right
from riverrun.conversations.models import Conversation
from riverrun.parsing.models import Project
from riverrun.runs.models import Run, RunKind
from riverrun.users.models import User

RUNS = join(Run, Conversation, Conversation.id == Run.subject_id, isouter=True)


def hides_sources(who: Who) -> ColumnElement[bool]:
    """Of ``Conversation``: whether it is about a repository that they may not look into.

    Nobody may look into one that is removed: whose it was, and whom it was shared with, is gone with it.
    """
    about = _repositories()
    may_look = (
        exists()
        .where(Project.id == about.c.project_id, has_right(who, Project, Right.VIEW))
        .correlate_except(Project)
    )
    return select(about.c.project_id).where(~may_look).correlate_except(about).exists()


def has_repositories(who: Who) -> ColumnElement[bool]:
    """Of ``Conversation``: whether some of its repositories are left, and they may look into all of these."""
    about = _repositories()
    is_left = exists().where(Project.id == about.c.project_id).correlate_except(Project)
    may_look = is_left.where(has_right(who, Project, Right.VIEW))
    all_open = select(func.bool_and(may_look)).select_from(about).where(is_left).correlate_except(about)
    return func.coalesce(all_open.scalar_subquery(), false())


def _repositories() -> TableValuedAlias:
    """Of ``Conversation``: the ids of what it is about, removed ones too."""
    return func.unnest(Conversation.project_ids).table_valued(column("project_id", Uuid)).render_derived()


def hides_sources_of_run(who: Who) -> ColumnElement[bool]:
    """Of ``RUNS``: the same; of an answer whose conversation is gone nobody knows what it was about."""
    is_deserted = and_(Run.kind != RunKind.INDEXING, Conversation.id.is_(None))
    return or_(is_deserted, hides_sources(who))


def still_readable_runs(who: Who) -> Select[UUID, bool]:
    """``(run id, whether its sources are hidden)`` for all that they may follow."""
    is_readable = has_right(who, Run, Right.VIEW)
    return select(Run.id, hides_sources_of_run(who)).select_from(RUNS).where(is_readable)


READABLE_RUNS = (
    select(Run, hides_sources_of_run(CALLER), Conversation.project_ids)
    .select_from(RUNS)
    .where(has_right(CALLER, Run, Right.VIEW))
)
"""``(run, whether its sources are hidden, ids of the projects it reads)`` for all that the caller may follow."""

SOME_READABLE_RUNS = READABLE_RUNS.where(Run.id.in_(bindparam("run_ids", expanding=True)))


def conversation_open_to(asker_id: UUID, conversation_id: UUID, links: Collection[str]) -> Select[UUID]:
    """The conversation, if a user whose account is open may ask in it, also by one of ``links`` (their SHA-256)."""
    is_open = exists().where(User.id == asker_id, User.disabled_at.is_(None))
    may_ask = has_right(_asker(asker_id, links), Conversation, Right.ASK)
    return select(Conversation.id).where(Conversation.id == conversation_id, is_open, may_ask)


def projects_closed_to(asker_id: UUID, project_ids: Collection[UUID]) -> Select[UUID]:
    """Those of the projects that are there and that a user may not look into, whatever link they have opened."""
    may_look = has_right(_asker(asker_id), Project, Right.VIEW)
    return select(Project.id).where(Project.id.in_(project_ids), ~may_look)


def projects_left(project_ids: Collection[UUID]) -> Select[UUID]:
    """Those of the projects that are there."""
    return select(Project.id).where(Project.id.in_(project_ids))


def _asker(user_id: UUID, links: Collection[str] = ()) -> Who:
    address = select(User.email).where(User.id == user_id, User.email_verified_at.is_not(None))
    return Who(literal(user_id, Uuid()), address.scalar_subquery(), literal(list(links), ARRAY(Text())))


PROJECTS_WITH_RIGHT = select(Project, has_right(CALLER, Project, Right.VIEW)).where(
    Project.id.in_(bindparam("project_ids", expanding=True))
)
"""``(project, whether the caller may look into it)`` for some projects."""

VIEWED_CONVERSATION = select(Conversation, hides_sources(CALLER)).where(
    Conversation.id == bindparam("conversation_id", type_=Uuid()),
    has_right(CALLER, Conversation, Right.VIEW),
)
"""``(conversation, whether its sources are hidden)`` for a caller who may look at it."""
