"""Grants and revocations as SQL. A subject is a conversation or a project, by its row's id."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Insert, Select, delete, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import ReturningDelete

from riverrun.auth.grants import Grant, Right
from riverrun.auth.revocations import Revocation
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.organisations import Organisation, OrganisationMember

IS_IN_FORCE = or_(Grant.expires_at.is_(None), Grant.expires_at > func.now())
HAS_RUN_OUT = Grant.expires_at <= func.now()


def grants_on(subject_id: UUID) -> Select[Grant]:
    """All grants that are in force, in the order in which they were made."""
    return (
        select(Grant).where(Grant.subject_id == subject_id, IS_IN_FORCE).order_by(Grant.created_at, Grant.id)
    )


def organisations_on(subject_id: UUID) -> Select[UUID, str]:
    """Id and name of the organisations that a subject is shared with."""
    return (
        select(Organisation.id, Organisation.name)
        .join(Grant, Grant.organisation_id == Organisation.id)
        .where(Grant.subject_id == subject_id, IS_IN_FORCE)
        .order_by(Organisation.name, Organisation.id)
    )


def name_people(
    subject: dict[str, UUID], emails: Iterable[str], right: Right, expires_at: datetime | None
) -> Insert:
    """Let people in by their addresses, which are normal already; who is named already, or twice, gets these terms once."""
    rows = [_values(subject, right, expires_at, email=email) for email in dict.fromkeys(emails)]
    return _on_these_terms(upsert(Grant).values(rows), ["subject_id", "email"])


def name_organisations(
    subject: dict[str, UUID], organisation_ids: Iterable[UUID], right: Right, expires_at: datetime | None
) -> Insert:
    """The same for the members of organisations."""
    rows = [
        _values(subject, right, expires_at, organisation_id=one) for one in dict.fromkeys(organisation_ids)
    ]
    return _on_these_terms(upsert(Grant).values(rows), ["subject_id", "organisation_id"])


def insert_link(
    subject: dict[str, UUID],
    link_hash: str,
    right: Right,
    expires_at: datetime | None,
    *,
    requires_sign_in: bool,
) -> Insert:
    """Let in whoever holds a link; returns the grant."""
    values = _values(subject, right, expires_at, link_hash=link_hash, requires_sign_in=requires_sign_in)
    return insert(Grant).values(values).returning(Grant)


def link_grant(link_hash: str) -> Select[Grant]:
    """The grant of a link that is in force."""
    return select(Grant).where(Grant.link_hash == link_hash, IS_IN_FORCE)


def opens_to_guests(link_hashes: Collection[str]) -> Select[UUID]:
    """The grant of one of these links that is in force and asks for no account."""
    is_open = Grant.requires_sign_in.is_(False)
    return select(Grant.id).where(Grant.link_hash.in_(link_hashes), is_open, IS_IN_FORCE).limit(1)


def take_back(subject_id: UUID, *which: Any) -> ReturningDelete[UUID]:
    """Delete those of the subject's grants for which all of ``which`` holds; returns their ids."""
    return delete(Grant).where(Grant.subject_id == subject_id, *which).returning(Grant.id)


def count_of(subject_id: UUID, column: Any) -> Select[int]:
    """How many of the subject's grants have a value in ``column``."""
    return select(func.count(column)).where(Grant.subject_id == subject_id)


def memberships_of(user_id: UUID, organisation_ids: Collection[UUID]) -> Select[UUID]:
    """Those of the organisations of which the user is a member. None of them is deleted before the transaction's end."""
    return (
        select(Organisation.id)
        .join(OrganisationMember, OrganisationMember.organisation_id == Organisation.id)
        .where(OrganisationMember.user_id == user_id, Organisation.id.in_(organisation_ids))
        .with_for_update(read=True, key_share=True, of=Organisation)
    )


def note_revocation(
    *, token_id: UUID | None = None, user_id: UUID | None = None, subject_id: UUID | None = None
) -> Insert:
    """Tell every API process to look at the open streams that this concerns, once it is committed."""
    return insert(Revocation).values(token_id=token_id, user_id=user_id, subject_id=subject_id)


def forget_revocations(before: datetime) -> Delete:
    """Drop those that every process has heard of long ago."""
    return delete(Revocation).where(Revocation.revoked_at < before)


def _values(subject: dict[str, UUID], right: Right, expires_at: datetime | None, **to: Any) -> dict[str, Any]:
    terms = {"right": right, "expires_at": expires_at, "requires_sign_in": True}
    return {"id": new_uuid(), "created_at": now(), **subject, **terms, **to}


def _on_these_terms(rows: Any, who: Sequence[str]) -> Insert:
    terms = {"right": rows.excluded.right, "expires_at": rows.excluded.expires_at}
    named: Insert = rows.on_conflict_do_update(index_elements=who, set_=terms)
    return named
