"""Invitations that wait, as SQL: found, and kept once the address is known to be an account's."""

from uuid import UUID

from sqlalchemy import Insert, Select, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from riverrun.auth.organisation_statements import MOST_ORGANISATIONS, count_of_places
from riverrun.users.invitations import Invitation
from riverrun.users.organisations import OrganisationMember

_IS_OPEN = (Invitation.accepted_at.is_(None), Invitation.expires_at > func.now())


def open_invitations() -> Select[Invitation]:
    """Those that nobody has used and that are still good."""
    return select(Invitation).where(*_IS_OPEN)


def accept_invitations(user_id: UUID, email: str) -> Insert:
    """Keep what all invitations that wait for the address promise, which is known to be the user's: each may bring another organisation.

    The oldest come first; those for which the user has no place left wait on. The address is normal.
    """
    mine = (Invitation.email == email, *_IS_OPEN)
    own = select(OrganisationMember.organisation_id).where(OrganisationMember.user_id == user_id)
    new = (
        select(Invitation.organisation_id)
        .where(*mine, Invitation.organisation_id.not_in(own))
        .group_by(Invitation.organisation_id)
        .order_by(func.min(Invitation.created_at))
        .limit(func.greatest(MOST_ORGANISATIONS - count_of_places(user_id), 0))
    )
    organisation_id = Invitation.organisation_id
    accepted = (
        update(Invitation)
        .where(*mine, or_(organisation_id.is_(None), organisation_id.in_(own), organisation_id.in_(new)))
        .values(accepted_at=func.now())
        .returning(Invitation.organisation_id, Invitation.role, Invitation.created_at)
        .cte("accepted")
    )
    invited = (
        select(accepted.c.organisation_id, literal(user_id), accepted.c.role, func.now())
        .where(accepted.c.organisation_id.is_not(None))
        .order_by(accepted.c.created_at)
    )
    columns = ["organisation_id", "user_id", "role", "joined_at"]
    placed: Insert = insert(OrganisationMember).from_select(columns, invited).on_conflict_do_nothing()
    return placed
