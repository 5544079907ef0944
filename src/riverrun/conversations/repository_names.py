"""What conversations are about, for lists of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.conversations.models import Conversation
from riverrun.parsing.models import Project


async def repository_names(session: AsyncSession, conversations: Sequence[Conversation]) -> dict[UUID, str]:
    """The names of the repositories of conversations that the caller may see, by id; removed ones are left out.

    Whoever sees a conversation sees these names: its citations carry them.
    """
    wanted = {project_id for conversation in conversations for project_id in conversation.project_ids}
    rows = await session.execute(select(Project.id, Project.repo_name).where(Project.id.in_(wanted)))
    return {row.id: row.repo_name for row in rows}
