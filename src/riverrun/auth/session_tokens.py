"""Tokens in the API: sessions are opened, listed and ended, and links that work once are used up."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import statements
from riverrun.auth.models import AccessToken, TokenKind
from riverrun.auth.principal import Principal, get_scoped
from riverrun.auth.revocations import Revocation
from riverrun.auth.tokens import new_token
from riverrun.infra.dependencies import commit_now
from riverrun.kit.clock import now
from riverrun.kit.problem import NotFound, NotSignedIn
from riverrun.users import user_statements

SESSION_LIFETIME = timedelta(days=30)
FORGOTTEN_AFTER = timedelta(days=30)
"""How long a token outlives its end before its row goes, too."""
NOTING_INTERVAL = timedelta(minutes=1)
"""How often the last use of a session is written down at most."""
EDITOR_TOKEN_LIFETIME = timedelta(minutes=5)
SESSION_KINDS = (TokenKind.SESSION, TokenKind.BEARER)
OPENED_BY = {TokenKind.ONE_TIME: TokenKind.SESSION, TokenKind.EDITOR: TokenKind.BEARER}


class AsyncTokenService:
    """What the API does with tokens, in the request's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def admit(self, token: str, kind: TokenKind, links: tuple[str, ...] = ()) -> Principal:
        """Whose token this is, with the share links that they hold.

        Raises:
            NotSignedIn: unknown, expired, revoked, or made for another door.
        """
        given = statements.given_token(token, kind)
        known = await statements.USER_OF_TOKEN.first(self._session, given)
        if known is None:
            raise NotSignedIn("This token is not valid (any more): sign in again.")
        last_used_at = known.pop("last_used_at")
        if last_used_at is None or last_used_at < now() - NOTING_INTERVAL:
            await self._note_use(known["token_id"])
        return Principal(**known, links=links)

    async def _note_use(self, token_id: UUID) -> None:
        """Committed at once: whoever ends the session meanwhile waits for no request, and none of them for another."""
        await self._session.execute(statements.NOTE_USE, {"used_id": token_id})
        await commit_now(self._session)

    async def open(
        self, user_id: UUID, kind: TokenKind, name: str, lifetime: timedelta = SESSION_LIFETIME
    ) -> str:
        """A new token for a user who has proven to be one; ``name`` is how they will know it again."""
        token = new_token()
        await self._session.execute(statements.forget_tokens_of(user_id, FORGOTTEN_AFTER))
        await self._session.execute(
            statements.insert_token(user_id, kind, token, lifetime=lifetime, name=name)
        )
        return token

    async def hold(self, owner: Principal) -> None:
        """What opens another door of the caller's account holds it first: who ends all sessions does, too.

        Raises:
            NotSignedIn: the caller's session was ended in this moment.
        """
        await self._session.execute(user_statements.hold(owner.user_id))
        if await self._session.scalar(statements.is_still_open(owner.token_id)) is None:
            raise NotSignedIn("Your session was ended in this moment: sign in again.")

    async def open_for_editor(self, owner: Principal) -> str:
        """A token that an editor exchanges for one of its own, within five minutes and while the caller is signed in.

        Raises:
            NotSignedIn: the caller's session was ended in this moment.
        """
        await self.hold(owner)
        return await self.open(owner.user_id, TokenKind.EDITOR, "editor", EDITOR_TOKEN_LIFETIME)

    async def redeem(self, token: str, kind: TokenKind = TokenKind.ONE_TIME, name: str = "") -> str:
        """Exchange a token that works once: a sign-in link's for a browser session's, an editor's for a bearer token.

        Raises:
            NotSignedIn: it was used already, is too old, or never was one.
        """
        await self._session.execute(statements.hold_owner(token))
        user_id = await self.spend(token, kind)
        await self._session.execute(user_statements.note_login(user_id))
        return await self.open(user_id, OPENED_BY[kind], name or "browser")

    async def spend(self, token: str, kind: TokenKind) -> UUID:
        """Use a token up that works once; whose it was.

        Raises:
            NotSignedIn: it was used already, is too old, or never was one.
        """
        user_id = await self._session.scalar(statements.spend_token(token, kind))
        if user_id is None:
            raise NotSignedIn("This link was used already or is too old: ask for a new one.")
        return user_id

    async def spend_own(self, owner: Principal, token: str, kind: TokenKind) -> None:
        """Use up a token that was made for the caller and works once.

        Raises:
            NotFound: it was used already, is too old, never was one, or is somebody else's.
        """
        spent = statements.spend_token(token, kind).where(AccessToken.user_id == owner.user_id)
        if await self._session.scalar(spent) is None:
            raise NotFound

    async def revoke(self, token: str) -> None:
        """End a session, its open streams and what waits for an editor; ending it twice is once."""
        await self._session.execute(statements.hold_owner(token))
        ended = (await self._session.execute(statements.revoke_token(token))).one_or_none()
        if ended is not None:
            token_id, user_id = ended
            await self._forget_editors(user_id)
            self._session.add(Revocation(token_id=token_id))

    async def list_sessions(self, owner: Principal) -> Sequence[AccessToken]:
        """The owner's sessions and bearer tokens that are valid now, the newest first."""
        return (await self._session.scalars(statements.tokens_of(owner.user_id, SESSION_KINDS))).all()

    async def end_session(self, owner: Principal, token_id: UUID) -> None:
        """End one of them, its open streams and what waits for an editor. Twice is once.

        Raises:
            NotFound: the owner has no such session.
        """
        await self._session.execute(user_statements.hold(owner.user_id))
        token = await get_scoped(self._session, owner, AccessToken, token_id)
        if token.kind not in SESSION_KINDS:
            raise NotFound
        if token.revoked_at is None:
            token.revoked_at = now()
            await self._forget_editors(owner.user_id)
            self._session.add(Revocation(token_id=token.id))

    async def _forget_editors(self, user_id: UUID) -> None:
        """Whose session ends may have made such a token to come back by. The owner makes another one if it was theirs."""
        await self._session.execute(statements.revoke_tokens_of(user_id, (TokenKind.EDITOR,)))

    async def end_all(self, user_id: UUID, *, but: UUID | None = None) -> None:
        """End all sessions and bearer tokens of a user, and links that wait, but one; open streams are looked at again."""
        kinds = (*SESSION_KINDS, *OPENED_BY, TokenKind.PASSWORD_RESET)
        await self._session.execute(user_statements.hold(user_id))
        await self._session.execute(statements.revoke_tokens_of(user_id, kinds, but=but))
        self._session.add(Revocation(user_id=user_id))
