"""Who asks, and the one function through which every row of a tenant is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.grants import Grant, Right
from riverrun.infra.database import Base
from riverrun.kit.problem import Forbidden, NotFound
from riverrun.users.models import User
from riverrun.users.organisations import OrganisationMember

NOBODY = UUID(int=0)
"""The user id of guests; no row is ever owned by it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from: a signed-in user, or a guest who holds nothing but links.

    ``links`` are the SHA-256 of the share links that the caller has opened; ``token_id`` is the row of the session,
    bearer token or API key by which they came, none for guests.
    """

    user_id: UUID
    email: str
    display_name: str
    is_administrator: bool
    verified_email: str | None = None
    token_id: UUID | None = None
    links: tuple[str, ...] = ()

    @property
    def is_guest(self) -> bool:
        """Whether nobody is signed in."""
        return self.user_id == NOBODY


def guest(links: tuple[str, ...]) -> Principal:
    """Somebody without an account, who holds ``links``."""
    return Principal(NOBODY, "", "Guest", False, links=links)


def principal_of(user: User, token_id: UUID, links: tuple[str, ...] = ()) -> Principal:
    """The user, let in by a token or a key."""
    return Principal(
        user_id=user.id,
        email=user.email,
        display_name=user.display_name,
        is_administrator=user.is_administrator,
        verified_email=user.email if user.email_verified_at else None,
        token_id=token_id,
        links=links,
    )


@dataclass(frozen=True, slots=True)
class Who:
    """A principal as SQL sees one: by values, by parameters, or as a row among many."""

    user_id: ColumnElement[UUID]
    verified_email: ColumnElement[str | None]
    links: ColumnElement[Sequence[str]]


CALLER = Who(
    bindparam("caller_id", type_=Uuid()),
    bindparam("caller_email", type_=Text()),
    bindparam("caller_links", type_=ARRAY(Text())),
)
"""For statements that are put together once: ``caller(principal)`` are the values."""


def caller(principal: Principal) -> dict[str, Any]:
    """The principal as the values of ``CALLER``."""
    return {
        "caller_id": principal.user_id,
        "caller_email": principal.verified_email,
        "caller_links": list(principal.links),
    }


Row = TypeVar("Row", bound=Base)
"""A tenant's table. Its rows have an ``id``, and belong to their ``owner_id``, or ``user_id`` where there is none.

Where they are about something else that may be shared, its id is their ``subject_id``.
"""


def scoped(principal: Principal, model: type[Row], right: Right = Right.OWN) -> Select[Row]:
    """All rows of ``model`` on which the principal has ``right``; narrow it further, never widen it."""
    return select(model).where(has_right(_who(principal), model, right))


def has_right(who: Who, model: type[Base], right: Right) -> ColumnElement[bool]:
    """Of ``model``: whether somebody has ``right`` on the row."""
    columns = model.__table__.c
    is_owned: ColumnElement[bool] = columns["owner_id" if "owner_id" in columns else "user_id"] == who.user_id
    if right is Right.OWN:
        return is_owned
    subject = columns["subject_id" if "subject_id" in columns else "id"]
    return or_(is_owned, subject.in_(granted_to(who, right)))


def shared_with(principal: Principal, right: Right = Right.VIEW) -> CompoundSelect[UUID]:
    """The ids of what somebody else lets the principal see or use."""
    return granted_to(_who(principal), right)


def granted_to(who: Who, right: Right) -> CompoundSelect[UUID]:
    """The same for anybody, by one index for each way in: all in one condition would read every grant there is.

    Guests have links that ask for no account, and nothing else: nobody has their id or address.
    """
    granted = (
        select(Grant.subject_id)
        .where(
            Grant.right.in_(right.granted_by),
            or_(Grant.expires_at.is_(None), Grant.expires_at > func.now()),
        )
        .correlate_except(Grant, OrganisationMember)
    )
    by_link = granted.where(
        Grant.link_hash == any_(who.links),
        or_(Grant.requires_sign_in.is_(False), who.user_id != NOBODY),
    )
    by_address = granted.where(Grant.email == who.verified_email)
    by_membership = granted.join(
        OrganisationMember, OrganisationMember.organisation_id == Grant.organisation_id
    ).where(OrganisationMember.user_id == who.user_id)
    return union_all(by_link, by_address, by_membership)


def _who(principal: Principal) -> Who:
    return Who(
        literal(principal.user_id, Uuid()),
        literal(principal.verified_email, Text()),
        literal(list(principal.links), ARRAY(Text())),
    )


async def get_scoped(
    session: AsyncSession,
    principal: Principal,
    model: type[Row],
    row_id: UUID,
    right: Right = Right.OWN,
    *,
    lock: bool = False,
) -> Row:
    """One row; ``lock`` keeps others from changing or deleting it, not from writing rows that belong to it.

    Raises:
        NotFound: there is none, or the principal may not even see it; nobody can tell which.
        Forbidden: the principal may see it, but has not the ``right``.
    """
    values = {**caller(principal), "row_id": row_id}
    row: Row | None = await session.scalar(_row_with_right(model, right, lock), values)
    if row is not None:
        return row
    if right is not Right.VIEW and await may_view(session, principal, model, row_id):
        raise Forbidden("You may see this, but not change it: it was shared with you to look at.")
    raise NotFound


async def may_view(session: AsyncSession, principal: Principal, model: type[Row], row_id: UUID) -> bool:
    """Whether the row is there for the principal to look at."""
    values = {**caller(principal), "row_id": row_id}
    return await session.scalar(_row_with_right(model, Right.VIEW, False), values) is not None


@cache
def _row_with_right(model: type[Base], right: Right, lock: bool) -> Select[Any]:
    """One row for ``CALLER``. Put together once for each table and right: that takes longer than a look-up."""
    row_id = bindparam("row_id", type_=Uuid())
    row = select(model).where(has_right(CALLER, model, right), model.__table__.c.id == row_id)
    return row.with_for_update(key_share=True) if lock else row
