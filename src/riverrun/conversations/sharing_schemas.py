"""Sharing on the wire; some fields have the plan's own names."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from riverrun.auth.grants import Right
from riverrun.auth.share_views import LinkView
from riverrun.auth.subject_shares import Terms
from riverrun.kit.email_address import EmailAddress
from riverrun.kit.written_time import WrittenMoment

Role = Literal[Right.VIEW, Right.ASK]


class Visibility(StrEnum):
    """Whom a conversation is for."""

    PRIVATE = "private"
    """The people and organisations that are named."""
    PUBLIC = "public"
    """Also whoever holds its link."""


class ShareRequest(BaseModel):
    """Whom to let into a conversation, for what, and until when.

    ``private``: ``recipientEmails`` and ``organisation_ids`` are let in, beside those who are already. Links to the
    conversation stop working, and where there was one, nobody stays who is not named in this request.
    ``public``: a new link is made, and who is named is let in too. A link needs an account here unless
    ``requires_sign_in`` is false; asking always does.
    """

    model_config = ConfigDict(extra="forbid")

    conversation_id: UUID
    recipientEmails: list[EmailAddress] = Field(default=[], max_length=100)  # noqa: N815 - the plan's field names
    organisation_ids: list[UUID] = Field(default=[], max_length=50)
    visibility: Visibility = Visibility.PRIVATE
    role: Role = Right.VIEW
    expires_at: WrittenMoment | None = None
    requires_sign_in: StrictBool = True

    @property
    def terms(self) -> Terms:
        return Terms(self.role, self.expires_at)


class NamedPerson(BaseModel):
    """Somebody who is let in by name."""

    email: EmailAddress
    role: Role = Right.VIEW
    expires_at: WrittenMoment | None = None


class People(BaseModel):
    """Everybody who is to be let in by name; who is not in it is shut out."""

    people: list[NamedPerson] = Field(max_length=500)


class NewLink(LinkView):
    """A link with its address, which is shown this once."""

    url: str


class Shared(BaseModel):
    """The plan's answer to a share, with the new link if one was made, and everybody who is named now."""

    message: str
    sharedID: UUID  # noqa: N815
    link: NewLink | None
    sharedEmails: list[str]  # noqa: N815
