"""Passwords that this server keeps itself: which are taken, and how they are stored."""

import unicodedata
from datetime import datetime
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from riverrun.auth.common_passwords import COMMON_PASSWORDS
from riverrun.auth.errors import WeakPassword
from riverrun.infra.database import Base
from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email

LEAST_CHARS = 8
MOST_CHARS = 256
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
"""Argon2id with the passes and the 64 MiB that RFC 9106 advises where memory is scarce; one lane, as we have one thread for it."""
NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=1$cml2ZXJydW4tbm9ib2R5cw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""What the password of an unknown account is compared with: the same work, and no password fits."""


class Password(Base):
    """A user's password as an Argon2id hash, which names its own parameters."""

    __tablename__ = "passwords"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)


def require_good_password(password: str, email: str) -> str:
    """The password in the form that is hashed. Length counts, not which kinds of letters there are.

    Raises:
        WeakPassword: too short or too long, the address itself, or one of those that are tried first.
    """
    normal = normal_password(password)
    if not LEAST_CHARS <= len(normal) <= MOST_CHARS:
        raise WeakPassword(f"A password has {LEAST_CHARS} to {MOST_CHARS} characters.")
    folded = normal.casefold()
    if folded in (normal_email(email), normal_email(email).partition("@")[0]):
        raise WeakPassword("The address is no password: whoever guesses tries it first.")
    if folded in COMMON_PASSWORDS or len(set(folded)) == 1:
        raise WeakPassword("This password is one of the commonest: whoever guesses tries it first.")
    return normal


def normal_password(password: str) -> str:
    """The same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFC", password)


# Slow by intent, about a tenth of a second each: only through the bridge that is kept for them.


def hash_password(password: str) -> str:
    """The hash of a password in its normal form, to store."""
    return HASHER.hash(password)


def matches(password: str, stored_hash: str | None) -> bool:
    """Whether this is the password, in its normal form; without a stored hash the same work is done, and it never is."""
    try:
        return HASHER.verify(stored_hash or NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_new_hash(stored_hash: str) -> bool:
    """Whether it was made with weaker parameters than are used now."""
    return HASHER.check_needs_rehash(stored_hash)
