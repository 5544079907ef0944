"""What the API does with API keys, in the request's transaction. No worker needs them: there is no sync twin."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.api_keys import ApiKey, Scope, api_key_hash, hint_of, is_api_key, new_api_key
from riverrun.auth.errors import InvalidApiKey, TooManyApiKeys
from riverrun.auth.principal import Principal, get_scoped, principal_of, scoped
from riverrun.auth.revocations import Revocation
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.kit.clock import now
from riverrun.kit.problem import Forbidden
from riverrun.users.models import User

MOST_KEYS = 100
NOTING_INTERVAL = timedelta(minutes=1)


class AsyncApiKeyService:
    """Makes, lists and revokes keys, and lets their holders in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, owner: Principal, name: str, scopes: Sequence[Scope]) -> tuple[ApiKey, str]:
        """A new key and its text, which is never to be had again.

        Raises:
            Forbidden: a key that administers, for somebody who does not.
            TooManyApiKeys: the owner has a hundred already.
            NotSignedIn: the owner's session was ended in this moment.
        """
        if Scope.ADMINISTER in scopes and not owner.is_administrator:
            raise Forbidden("Only administrators of this server make keys with the scope administer.")
        await AsyncTokenService(self._session).hold(owner)
        if len(await self.list(owner)) >= MOST_KEYS:
            raise TooManyApiKeys(f"You have {MOST_KEYS} keys: revoke one that is not used any more.")
        text = new_api_key()
        key = ApiKey(
            user_id=owner.user_id,
            name=name,
            key_hash=api_key_hash(text),
            hint=hint_of(text),
            scopes=sorted(set(scopes)),
        )
        self._session.add(key)
        await self._session.flush()
        return key, text

    async def list(self, owner: Principal) -> Sequence[ApiKey]:
        """The owner's keys that are not revoked, the oldest first."""
        valid = scoped(owner, ApiKey).where(ApiKey.revoked_at.is_(None))
        return (await self._session.scalars(valid.order_by(ApiKey.created_at, ApiKey.id))).all()

    async def revoke(self, owner: Principal, key_id: UUID) -> None:
        """Close the door for good: the next request with the key is refused, open streams end. Twice is once.

        Raises:
            NotFound: the owner has no such key.
        """
        key = await get_scoped(self._session, owner, ApiKey, key_id)
        if key.revoked_at is None:
            key.revoked_at = now()
            self._session.add(Revocation(token_id=key.id))

    async def admit(self, text: str) -> tuple[Principal, frozenset[Scope]]:
        """Whose key this is, and what it is good for.

        Raises:
            InvalidApiKey: no key, one that never was, or one that is revoked.
        """
        row = (await self._session.execute(_holder_of(text))).one_or_none() if is_api_key(text) else None
        if row is None:
            raise InvalidApiKey("Send a valid key as `X-API-Key`: `riverrun keys create` makes one.")
        user, key = row
        if key.last_used_at is None or key.last_used_at < now() - NOTING_INTERVAL:
            await self._session.execute(_note_use(key.id))
        principal = principal_of(user, key.id)
        return principal, frozenset(Scope(scope) for scope in key.scopes)


def _holder_of(text: str) -> Select[User, ApiKey]:
    return (
        select(User, ApiKey)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(ApiKey.key_hash == api_key_hash(text), ApiKey.revoked_at.is_(None), User.disabled_at.is_(None))
    )


def _note_use(key_id: UUID) -> Update:
    """Skips a row that another request of the same key is noting: nobody waits for a statistic."""
    free = select(ApiKey.id).where(ApiKey.id == key_id).with_for_update(skip_locked=True)
    return update(ApiKey).where(ApiKey.id.in_(free)).values(last_used_at=func.now())
