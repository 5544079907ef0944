"""What accounts look like over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from riverrun.auth.identity_links import UserAuthProvider
from riverrun.auth.passwords import MOST_CHARS
from riverrun.kit.storable_text import STORABLE, STORABLE_LABEL

DisplayName = Annotated[str, Field(max_length=100), STORABLE_LABEL]
GivenPassword = Annotated[str, Field(max_length=4 * MOST_CHARS), STORABLE]
"""As somebody sends it; how long it may be at most counts when it is composed."""


class ProviderView(BaseModel):
    """A way in to the account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    user_id: UUID
    provider_type: str
    provider_uid: str
    provider_data: dict[str, Any]
    is_primary: bool
    linked_at: datetime
    last_used_at: datetime | None


class ProvidersView(BaseModel):
    """The ways in, the oldest first, and which one is the usual."""

    providers: list[ProviderView]
    primary_provider: str | None

    @classmethod
    def of(cls, links: Sequence[UserAuthProvider]) -> Self:
        """The account's links as a view."""
        return cls(
            providers=[ProviderView.model_validate(link) for link in links],
            primary_provider=next((link.provider_type for link in links if link.is_primary), None),
        )


class Membership(BaseModel):
    """A place in an organisation."""

    id: UUID
    name: str
    role: str


class Account(ProvidersView):
    """The signed-in user."""

    user_id: UUID
    email: str
    email_verified: bool
    display_name: str
    is_administrator: bool
    created_at: datetime
    organizations: list[Membership]
    organization: UUID | None
    """The first of them."""
    organization_name: str | None


class SessionView(BaseModel):
    """Somewhere you are signed in: ``kind`` is ``session`` for a browser, ``bearer`` for a program."""

    id: UUID
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    """To the minute; none until the first request with it."""
    expires_at: datetime | None
    is_current: bool
