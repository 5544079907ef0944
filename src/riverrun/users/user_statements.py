"""Users as SQL. E-mail addresses may come in any case."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Update, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from riverrun.kit.clock import now
from riverrun.kit.email_address import normal_email
from riverrun.kit.ids import new_uuid
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember


def user_by_uid(user_id: UUID) -> Select[User]:
    """One user."""
    return select(User).where(User.id == user_id)


def user_by_email(email: str) -> Select[User]:
    """The user with this address."""
    return select(User).where(User.email == normal_email(email))


def user_id_by_email(email: str) -> Select[UUID]:
    """Their id alone."""
    return select(User.id).where(User.email == normal_email(email))


def user_ids_by_emails(emails: Iterable[str]) -> Select[str, UUID]:
    """Address and id of each that has an account."""
    return select(User.email, User.id).where(User.email.in_({normal_email(email) for email in emails}))


def hold(user_id: UUID) -> Select[UUID]:
    """Keep the account's row until the transaction ends.

    Whoever opens or closes a door of the account, or counts what it has, does so first: two of them wait for each other, and
    nobody else does.
    """
    return select(User.id).where(User.id == user_id).with_for_update(key_share=True)


def insert_user(
    email: str, display_name: str, email_verified_at: datetime | None, is_administrator: bool
) -> ReturningInsert[User]:
    """A new user; no row comes back when the address has an account."""
    values = {
        "id": new_uuid(),
        "email": normal_email(email),
        "email_verified_at": email_verified_at,
        "display_name": display_name,
        "is_administrator": is_administrator,
        "created_at": now(),
    }
    added = insert(User).values(values).on_conflict_do_nothing(index_elements=[User.email])
    return added.returning(User)


def verify(user_id: UUID) -> ReturningUpdate[str]:
    """Remember that the address is the user's; returns it, or no row when that was known."""
    return (
        update(User)
        .where(User.id == user_id, User.email_verified_at.is_(None))
        .values(email_verified_at=now())
        .returning(User.email)
    )


def memberships_of(user_id: UUID) -> Select[UUID, str, str]:
    """Id, name and the user's role of each organisation that they are in, in the order of joining."""
    return (
        select(Organisation.id, Organisation.name, OrganisationMember.role)
        .join(OrganisationMember, OrganisationMember.organisation_id == Organisation.id)
        .where(OrganisationMember.user_id == user_id)
        .order_by(OrganisationMember.joined_at, Organisation.id)
    )


def note_login(user_id: UUID) -> Update:
    """Remember when the user was last let in."""
    return update(User).where(User.id == user_id).values(last_login_at=func.now())
