"""What signing in by another provider looks like over HTTP."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from riverrun.auth.id_tokens import MOST_TOKEN_CHARS
from riverrun.auth.identity import Identity
from riverrun.auth.unified_auth_service import NeedsLinking, SignedIn
from riverrun.kit.email_address import EmailAddress
from riverrun.kit.storable_text import STORABLE, StorableText

MESSAGES = {
    "success": "You are signed in.",
    "new_user": "Your account is made, and you are signed in.",
    "needs_linking": "There is an account with this address: sign in to it, and confirm the link.",
}


class SsoProviderView(BaseModel):
    """A provider to which a browser can be sent."""

    name: str
    label: str
    start_path: str
    """Where to send it; takes ``next``, the path to come back to."""


class SsoLogin(BaseModel):
    """Who has an ID token of a provider. Nothing counts but what is in the token; ``email`` must agree with it."""

    sso_provider: Annotated[StorableText, Field(min_length=1, max_length=40)]
    id_token: Annotated[str, Field(min_length=1, max_length=MOST_TOKEN_CHARS), STORABLE]
    email: EmailAddress | None = None


class SsoOutcome(BaseModel):
    """``success`` and ``new_user`` are signed in: ``access_token`` is a bearer token for 30 days, null for our own page,
    which gets a cookie. ``needs_linking`` is not: who is signed in to the account confirms ``linking_token``."""

    status: Literal["success", "new_user", "needs_linking"]
    message: str
    email: str | None
    display_name: str
    user_id: UUID | None = None
    access_token: str | None = None
    linking_token: str | None = None
    existing_providers: list[str] | None = None

    @classmethod
    def waiting(cls, outcome: NeedsLinking, identity: Identity) -> Self:
        """Nobody is signed in yet. Of the account no more is said than how its owner may come in."""
        return cls(
            status="needs_linking",
            message=MESSAGES["needs_linking"],
            email=identity.email,
            display_name=identity.display_name,
            linking_token=outcome.token,
            existing_providers=list(outcome.existing_providers),
        )

    @classmethod
    def signed_in(cls, outcome: SignedIn, access_token: str | None) -> Self:
        """The account, which is the caller's."""
        status: Literal["success", "new_user"] = "new_user" if outcome.is_new else "success"
        return cls(
            status=status,
            message=MESSAGES[status],
            email=outcome.user.email,
            display_name=outcome.user.display_name,
            user_id=outcome.user.id,
            access_token=access_token,
        )
