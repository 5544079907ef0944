"""What follows when an address is shown to be its account's, whoever vouches for it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.invitation_statements import accept_invitations
from riverrun.users import user_statements


async def verify_address(session: AsyncSession, user_id: UUID) -> bool:
    """Remember that the address is the user's, and let them in where it was invited; whether that is news."""
    email = await session.scalar(user_statements.verify(user_id))
    if email is not None:
        await session.execute(accept_invitations(user_id, email))
    return email is not None
