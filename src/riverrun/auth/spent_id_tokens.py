"""ID tokens that somebody has signed in with: each works once."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import DateTime, Delete, Text, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.auth.id_tokens import LEEWAY_SECONDS, MOST_LIFETIME_SECONDS
from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.problem import NotSignedIn

REMEMBERED = timedelta(seconds=MOST_LIFETIME_SECONDS + 3 * LEEWAY_SECONDS)
"""No token is good for longer."""
MOST_FORGOTTEN_AT_ONCE = 100


class SpentIdToken(Base):
    """One that was used."""

    __tablename__ = "spent_id_tokens"

    token_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    forget_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


async def spend_id_token(session: AsyncSession, id_token: str) -> None:
    """Use a verified token up, in the transaction that lets its bearer in; two at once wait for each other.

    Raises:
        NotSignedIn: it was used before.
    """
    await session.execute(_forget_old())
    spent = insert(SpentIdToken).values(token_hash=_hash_of(id_token), forget_at=now() + REMEMBERED)
    fresh = spent.on_conflict_do_nothing().returning(SpentIdToken.token_hash)
    if await session.scalar(fresh) is None:
        raise NotSignedIn("This ID token was used already: get a new one from the provider.")


def _forget_old() -> Delete:
    """Some of the old ones each time; those that another request is forgetting are left to it."""
    old = select(SpentIdToken.token_hash).where(SpentIdToken.forget_at < func.now())
    mine = old.limit(MOST_FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
    return delete(SpentIdToken).where(SpentIdToken.token_hash.in_(mine))


def _hash_of(id_token: str) -> str:
    """Of what was signed, and not of the signature: that of an elliptic curve can be rewritten by anybody."""
    return hashlib.sha256(id_token.rpartition(".")[0].encode()).hexdigest()
