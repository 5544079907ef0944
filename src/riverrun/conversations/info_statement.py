"""A conversation and all that is said of it at its top, in one round trip; put together once."""

from sqlalchemy import func, select

from riverrun.auth.principal import CALLER
from riverrun.conversations.models import Conversation, Message
from riverrun.conversations.reading_statements import VIEWED_CONVERSATION, has_repositories
from riverrun.conversations.statements import IS_SHOWN
from riverrun.parsing.models import Project
from riverrun.runs.line_statements import ACTIVE
from riverrun.runs.models import Run

_REPOSITORY = select(Project.repo_name).where(Project.id == Conversation.project_ids[1])
_SHOWN_MESSAGES = (
    select(func.count()).select_from(Message).where(Message.conversation_id == Conversation.id, IS_SHOWN)
)
_FIRST_IN_LINE = (
    select(Run.id)
    .where(Run.subject_id == Conversation.id, Run.status.in_(ACTIVE))
    .order_by(Run.number)
    .limit(1)
)

CONVERSATION_INFO = VIEWED_CONVERSATION.add_columns(
    *(
        part.correlate(Conversation).scalar_subquery()
        for part in (_REPOSITORY, _SHOWN_MESSAGES, _FIRST_IN_LINE)
    ),
    has_repositories(CALLER),
)
"""``VIEWED_CONVERSATION``, the first repository's name if it is there, how many messages are shown, the active run's id, and
whether what is left of its repositories is the caller's to look into."""
