"""Who may look at what, and whether with the sources, as SQL. Put together once: each request brings values only."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    join,
    literal,
    or_,
    select,
)

from riverrun.auth.grant_statements import IS_IN_FORCE
from riverrun.auth.grants import Grant, Right
from riverrun.auth.principal import CALLER, Who, granted_to, has_right
from riverrun.conversations.models import Conversation
from riverrun.parsing.models import Project
from riverrun.runs.models import Run, RunKind
from riverrun.users.models import User

RUNS = join(Run, Conversation, Conversation.id == Run.subject_id, isouter=True)


def hides_sources(who: Who) -> ColumnElement[bool]:
    """Of ``Conversation``: whether it is about a repository that they may not look into.

    What was read in one that is removed since is for the conversation's owner alone.
    """
    about = func.unnest(Conversation.project_ids).table_valued(column("project_id", Uuid)).render_derived()
    is_there = exists().where(Project.id == about.c.project_id).correlate_except(Project)
    may_look = is_there.where(has_right(who, Project, Right.VIEW))
    is_hidden = and_(~may_look, or_(Conversation.user_id != who.user_id, is_there))
    return select(about.c.project_id).where(is_hidden).correlate_except(about).exists()


def hides_sources_of_run(who: Who) -> ColumnElement[bool]:
    """Of ``RUNS``: the same; an answer whose conversation is gone shows them to who asked."""
    is_answer = Run.kind != RunKind.INDEXING
    is_deserted = and_(is_answer, Conversation.id.is_(None), Run.user_id != who.user_id)
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


def projects_closed_to(asker_id: UUID, project_ids: Collection[UUID]) -> Select[UUID]:
    """Those of the projects that are there and that a user may not look into, whatever link they have opened."""
    address = select(User.email).where(User.id == asker_id, User.email_verified_at.is_not(None))
    asker = Who(literal(asker_id, Uuid()), address.scalar_subquery(), literal(["no link"], ARRAY(Text())))
    return select(Project.id).where(Project.id.in_(project_ids), ~has_right(asker, Project, Right.VIEW))


PROJECTS_WITH_RIGHT = select(Project, has_right(CALLER, Project, Right.VIEW)).where(
    Project.id.in_(bindparam("project_ids", expanding=True))
)
"""``(project, whether the caller may look into it)`` for some projects."""

VIEWED_CONVERSATION = select(
    Conversation,
    case(
        (Conversation.user_id == CALLER.user_id, literal(Right.OWN, Text())),
        (Conversation.id.in_(granted_to(CALLER, Right.ASK)), literal(Right.ASK, Text())),
        else_=literal(Right.VIEW, Text()),
    ),
    exists().where(Grant.subject_id == Conversation.id, Grant.link_hash.is_not(None), IS_IN_FORCE),
    hides_sources(CALLER),
).where(
    Conversation.id == bindparam("conversation_id", type_=Uuid()),
    has_right(CALLER, Conversation, Right.VIEW),
)
"""``(conversation, right, whether it has a link, whether its sources are hidden)`` for a caller who may look at it."""
