"""A conversation and all that is said of it at its top, in one round trip; put together once."""

from sqlalchemy import ARRAY, Text, Uuid, case, column, exists, func, select

from riverrun.auth.grant_statements import IS_IN_FORCE
from riverrun.auth.grants import Grant, Right
from riverrun.auth.principal import CALLER, has_right
from riverrun.conversations.models import Conversation, Message
from riverrun.conversations.reading_statements import VIEWED_CONVERSATION, has_repositories, hides_sources
from riverrun.conversations.statements import IS_SHOWN
from riverrun.infra.straight_read import StraightRead
from riverrun.parsing.models import Project
from riverrun.runs.line_statements import ACTIVE
from riverrun.runs.models import Run

_REPOSITORY = select(Project.repo_name).where(Project.id == Conversation.project_ids[1])
_ABOUT = (
    func.unnest(Conversation.project_ids)
    .table_valued(column("project_id", Uuid), with_ordinality="place")
    .render_derived(name="about")
)
_REPOSITORIES = (
    select(Project.repo_name)
    .join_from(_ABOUT, Project, Project.id == _ABOUT.c.project_id)
    .order_by(_ABOUT.c.place)
    .correlate(Conversation)
)
_SHOWN_MESSAGES = (
    select(func.count()).select_from(Message).where(Message.conversation_id == Conversation.id, IS_SHOWN)
)
_FIRST_IN_LINE = (
    select(Run.id)
    .where(Run.subject_id == Conversation.id, Run.status.in_(ACTIVE))
    .order_by(Run.number)
    .limit(1)
)
_LINK = exists().where(Grant.subject_id == Conversation.id, Grant.link_hash.is_not(None), IS_IN_FORCE)

CONVERSATION_INFO = StraightRead(
    VIEWED_CONVERSATION.with_only_columns(
        Conversation.id,
        Conversation.title,
        Conversation.status,
        Conversation.project_ids,
        Conversation.agent_ids[1].label("agent_id"),
        _REPOSITORY.correlate(Conversation).scalar_subquery().label("repository"),
        func.array(_REPOSITORIES.scalar_subquery(), type_=ARRAY(Text)).label("repositories"),
        Conversation.created_at,
        Conversation.updated_at,
        _SHOWN_MESSAGES.correlate(Conversation).scalar_subquery().label("total_messages"),
        _FIRST_IN_LINE.correlate(Conversation).scalar_subquery().label("run_id"),
        case((has_right(CALLER, Conversation, Right.ASK), "write"), else_="read").label("access_type"),
        (Conversation.user_id == CALLER.user_id).label("is_creator"),
        Conversation.user_id.label("creator_id"),
        case((_LINK, "public"), else_="private").label("visibility"),
        hides_sources(CALLER).label("hides_sources"),
        has_repositories(CALLER).label("has_repositories"),
    )
)
"""The fields of ``ConversationInfo``, of a conversation that the caller may look at."""
