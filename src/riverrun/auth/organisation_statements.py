"""Organisations and who is in them, as SQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Insert, ScalarSelect, Select, delete, func, insert, select

from riverrun.auth.revocations import Revocation
from riverrun.kit.email_address import normal_email
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember, OrganisationRole

MOST_ORGANISATIONS = 100
"""So many a user is in."""


def organisations_of(user_id: UUID) -> Select[Organisation, str]:
    """Each organisation that the user is in, and as what; by name."""
    return (
        select(Organisation, OrganisationMember.role)
        .join(OrganisationMember, OrganisationMember.organisation_id == Organisation.id)
        .where(OrganisationMember.user_id == user_id)
        .order_by(func.lower(Organisation.name), Organisation.id)
    )


def place_in(organisation_id: UUID, user_id: UUID) -> Select[OrganisationMember]:
    """The user's place in the organisation; no row when they have none."""
    return select(OrganisationMember).where(
        OrganisationMember.organisation_id == organisation_id, OrganisationMember.user_id == user_id
    )


def members_of(organisation_id: UUID) -> Select[OrganisationMember, User]:
    """Everybody in it, in the order of joining."""
    return (
        select(OrganisationMember, User)
        .join(User, User.id == OrganisationMember.user_id)
        .where(OrganisationMember.organisation_id == organisation_id)
        .order_by(OrganisationMember.joined_at, User.id)
    )


def lock_of(organisation_id: UUID) -> Select[UUID]:
    """Lets those who change the organisation's members take turns, so that each counts what the others left."""
    return select(Organisation.id).where(Organisation.id == organisation_id).with_for_update()


def count_of_owners(organisation_id: UUID) -> Select[int]:
    """How many owners it has."""
    return select(func.count()).where(
        OrganisationMember.organisation_id == organisation_id,
        OrganisationMember.role == OrganisationRole.OWNER,
    )


def count_of_members(organisation_id: UUID) -> Select[int]:
    """How many it has."""
    return select(func.count()).where(OrganisationMember.organisation_id == organisation_id)


def count_of_places(user_id: UUID) -> ScalarSelect[Any]:
    """In how many organisations the user is."""
    return select(func.count()).where(OrganisationMember.user_id == user_id).scalar_subquery()


def proven_owner_of(email: str) -> Select[User]:
    """Whose address this is for sure. An account that merely claims it is nobody's."""
    return select(User).where(
        User.email == normal_email(email), User.email_verified_at.is_not(None), User.disabled_at.is_(None)
    )


def withdraw_invitations_of(organisation_id: UUID, inviter_id: UUID) -> Delete:
    """Take back the organisation's invitations that one member made and nobody has used."""
    return delete(Invitation).where(
        Invitation.organisation_id == organisation_id,
        Invitation.invited_by == inviter_id,
        Invitation.accepted_at.is_(None),
    )


def waiting_invitations(organisation_id: UUID) -> Select[Invitation]:
    """The organisation's invitations that nobody has used and that are still good, the newest first."""
    return (
        select(Invitation)
        .where(
            Invitation.organisation_id == organisation_id,
            Invitation.accepted_at.is_(None),
            Invitation.expires_at > func.now(),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id)
    )


def note_revocation_of_all(organisation_id: UUID) -> Insert:
    """Have the open streams of every member looked at."""
    members = select(OrganisationMember.user_id).where(OrganisationMember.organisation_id == organisation_id)
    return insert(Revocation).from_select(["user_id"], members)
