"""Tokens in the API: a one-time link becomes a browser session, a session ends."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import statements
from riverrun.auth.models import TokenKind
from riverrun.auth.principal import Principal, principal_of
from riverrun.auth.tokens import new_token
from riverrun.kit.problem import NotSignedIn

SESSION_LIFETIME = timedelta(days=30)


class AsyncTokenService:
    """What the API does with tokens, in the request's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def admit(self, token: str, kind: TokenKind, links: tuple[str, ...] = ()) -> Principal:
        """Whose token this is, with the share links that they hold.

        Raises:
            NotSignedIn: unknown, expired, revoked, or made for another door.
        """
        row = (await self._session.execute(statements.user_of_token(token, kind))).one_or_none()
        if row is None:
            raise NotSignedIn("This token is not valid (any more): sign in again.")
        return principal_of(*row, links)

    async def redeem(self, one_time_token: str) -> str:
        """Exchange a sign-in link's token for a new session's.

        Raises:
            NotSignedIn: the link was used already, is too old, or never was one.
        """
        user_id: UUID | None = await self._session.scalar(statements.spend_one_time_token(one_time_token))
        if user_id is None:
            raise NotSignedIn("This link was used already or is too old: `riverrun up` prints a new one.")
        token = new_token()
        await self._session.execute(
            statements.insert_token(
                user_id, TokenKind.SESSION, token, lifetime=SESSION_LIFETIME, name="browser"
            )
        )
        await self._session.execute(statements.note_login(user_id))
        return token

    async def revoke(self, token: str) -> None:
        """End a session; ending it twice is once."""
        await self._session.execute(statements.revoke_token(token))
