"""What conversations are about, for lists of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations.models import Conversation
from riverrun.parsing.models import Project


async def repository_names(session: AsyncSession, conversations: Sequence[Conversation]) -> dict[UUID, str]:
    """The names of the first repositories of conversations that the caller may see, by id; removed ones are left out.

    Whoever sees a conversation sees these names: its citations carry them.
    """
    wanted = {conversation.project_ids[0] for conversation in conversations}
    rows = await session.execute(select(Project.id, Project.repo_name).where(Project.id.in_(wanted)))
    return {row.id: row.repo_name for row in rows}
