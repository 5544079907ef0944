"""Who asks, and the one function through which every row of a tenant is read."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
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


Row = TypeVar("Row", bound=Base)
"""A tenant's table. Its rows have an ``id``, and belong to their ``owner_id``, or ``user_id`` where there is none.

Where they are about something else that may be shared, its id is their ``subject_id``.
"""


def scoped(principal: Principal, model: type[Row], right: Right = Right.OWN) -> Select[Row]:
    """All rows of ``model`` on which the principal has ``right``; narrow it further, never widen it."""
    columns = model.__table__.c
    is_owned = columns["owner_id" if "owner_id" in columns else "user_id"] == principal.user_id
    if right is Right.OWN:
        return select(model).where(is_owned)
    subject = columns["subject_id" if "subject_id" in columns else "id"]
    return select(model).where(or_(is_owned, subject.in_(shared_with(principal, right))))


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
    statement = scoped(principal, model, right).where(model.__table__.c.id == row_id)
    row: Row | None = await session.scalar(statement.with_for_update(key_share=True) if lock else statement)
    if row is not None:
        return row
    if right is not Right.VIEW and await may_view(session, principal, model, row_id):
        raise Forbidden("You may see this, but not change it: it was shared with you to look at.")
    raise NotFound


async def may_view(session: AsyncSession, principal: Principal, model: type[Row], row_id: UUID) -> bool:
    """Whether the row is there for the principal to look at."""
    seen = scoped(principal, model, Right.VIEW).where(model.__table__.c.id == row_id)
    return await session.scalar(seen.with_only_columns(model.__table__.c.id)) is not None


def shared_with(principal: Principal, right: Right = Right.VIEW) -> Select[UUID]:
    """The ids of what somebody else lets the principal see or use."""
    return select(Grant.subject_id).where(
        Grant.right.in_(right.granted_by),
        or_(Grant.expires_at.is_(None), Grant.expires_at > func.now()),
        or_(*_names(principal)),
    )


def _names(principal: Principal) -> list[ColumnElement[bool]]:
    """How a grant may name the principal. Guests have links that ask for no account, and nothing else."""
    by_link = Grant.link_hash.in_(principal.links)
    if principal.is_guest:
        return [by_link & Grant.requires_sign_in.is_(False)]
    of_mine = select(OrganisationMember.organisation_id).where(
        OrganisationMember.user_id == principal.user_id
    )
    names: list[ColumnElement[bool]] = [by_link, Grant.organisation_id.in_(of_mine)]
    return names if principal.verified_email is None else [*names, Grant.email == principal.verified_email]
