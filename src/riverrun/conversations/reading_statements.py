"""Who may look at what, and whether with the sources, as SQL."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, case, exists, func, or_, select

from riverrun.auth.grant_statements import IS_IN_FORCE
from riverrun.auth.grants import Grant, Right
from riverrun.auth.principal import Principal, scoped, shared_with
from riverrun.conversations.models import Conversation
from riverrun.parsing.models import Project
from riverrun.runs.models import Run, RunKind


def viewed_conversation(principal: Principal, conversation_id: UUID) -> Select[Any]:
    """``(conversation, right, whether it has a link, whether its sources are hidden)`` for who may look at it."""
    right = case(
        (Conversation.user_id == principal.user_id, Right.OWN),
        (Conversation.id.in_(shared_with(principal, Right.ASK)), Right.ASK),
        else_=Right.VIEW,
    )
    has_link = exists().where(Grant.subject_id == Conversation.id, Grant.link_hash.is_not(None), IS_IN_FORCE)
    return (
        scoped(principal, Conversation, Right.VIEW)
        .where(Conversation.id == conversation_id)
        .add_columns(right, has_link, hides_sources(principal))
    )


def readable_runs(principal: Principal) -> Select[Any]:
    """``(run, whether its sources are hidden, ids of the projects it reads)`` for all that the principal may follow."""
    is_answer = Run.kind != RunKind.INDEXING
    is_deserted = and_(is_answer, Conversation.id.is_(None), Run.user_id != principal.user_id)
    return (
        scoped(principal, Run, Right.VIEW)
        .outerjoin(Conversation, Conversation.id == Run.subject_id)
        .add_columns(or_(is_deserted, hides_sources(principal)), Conversation.project_ids)
    )


def still_readable_runs(principal: Principal, run_ids: Collection[UUID]) -> Select[UUID, bool]:
    """The same of some runs, without what is known of them already."""
    _, hides, _ = readable_runs(principal).selected_columns[-3:]
    return readable_runs(principal).where(Run.id.in_(run_ids)).with_only_columns(Run.id, hides)


def hides_sources(principal: Principal) -> ColumnElement[bool]:
    """Of ``Conversation``: whether it is about a repository that the principal may not look into.

    What was read in one that is removed since is for the conversation's owner alone.
    """
    project_id = func.unnest(Conversation.project_ids, type_=Uuid()).column_valued("project_id")
    may_look = scoped(principal, Project, Right.VIEW).where(Project.id == project_id)
    is_there = exists().where(Project.id == project_id)
    is_hidden = and_(
        ~may_look.with_only_columns(Project.id).exists(),
        or_(Conversation.user_id != principal.user_id, is_there),
    )
    return select(project_id).where(is_hidden).correlate(Conversation).exists()
