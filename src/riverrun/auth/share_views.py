"""What conversations and repositories have in common when they are shared, on the wire."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from riverrun.auth.grants import Grant
from riverrun.kit.email_address import EmailAddress


class AccessRemoval(BaseModel):
    """Whom to shut out."""

    emails: list[EmailAddress] = Field(default=[], max_length=500)
    organisation_ids: list[UUID] = Field(default=[], max_length=50)


class Removed(BaseModel):
    """The plan's answer to a removal."""

    message: str


class LinkView(BaseModel):
    """A link to a conversation, without what would open it."""

    id: UUID
    role: str
    requires_sign_in: bool
    expires_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, grant: Grant) -> Self:
        return cls(
            id=grant.id,
            role=grant.right,
            requires_sign_in=grant.requires_sign_in,
            expires_at=grant.expires_at,
            created_at=grant.created_at,
        )


class PersonView(BaseModel):
    """Somebody who is let in by name."""

    email: str
    role: str
    expires_at: datetime | None


class OrganisationView(BaseModel):
    """An organisation whose members are let in."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None


class SharesView(BaseModel):
    """Everybody who is let in."""

    people: list[PersonView]
    organisations: list[OrganisationView]
    links: list[LinkView]

    @classmethod
    def of(cls, grants: Iterable[Grant], names: Mapping[UUID, str]) -> Self:
        view = cls(people=[], organisations=[], links=[])
        for grant in grants:
            role, expires_at = grant.right, grant.expires_at
            if grant.email is not None:
                view.people.append(PersonView(email=grant.email, role=role, expires_at=expires_at))
            elif (id_ := grant.organisation_id) is not None:
                shown = OrganisationView(id=id_, name=names.get(id_, ""), role=role, expires_at=expires_at)
                view.organisations.append(shown)
            else:
                view.links.append(LinkView.of(grant))
        return view
