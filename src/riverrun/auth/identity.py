"""The port to identity providers: whoever can say who somebody is, and prove it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

PASSWORD = "password"
"""The provider type of passwords that this server keeps itself; the uid is the user's id."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as a provider has proven it. Never made from what a client merely says.

    ``provider_type`` and ``provider_uid`` together name a person for good; the address may change, and counts only
    when ``email_verified``. ``data`` is kept and shown to the account's owner: no secrets.
    """

    provider_type: str
    provider_uid: str
    email: str | None
    email_verified: bool
    display_name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class IdentityProvider(Protocol):
    """Somebody who issues ID tokens that we can check."""

    @property
    def provider_type(self) -> str:
        """The name that is stored with the accounts that it is linked to, such as ``sso_google``."""

    @property
    def label(self) -> str:
        """What people call it: "Google"."""

    async def identify(self, id_token: str) -> Identity:
        """Whom the token names.

        Raises:
            NotSignedIn: forged, too old, or made for somebody else.
            TryAgainLater: the provider cannot be asked for its keys.
        """


@runtime_checkable
class BrowserFlow(IdentityProvider, Protocol):
    """A provider to which a browser can be sent. The caller binds ``state`` and ``nonce`` to the browser."""

    async def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str:
        """Where to send the browser; the challenge is the verifier's S256."""

    async def check_response_issuer(self, issuer: str | None) -> None:
        """Refuse what came back in another provider's name: its code must not be sent to this one.

        Raises:
            NotSignedIn: ``issuer`` is another's, or is missing where the provider always says it.
            TryAgainLater: the provider cannot be reached.
        """

    async def redeem(self, code: str, *, redirect_uri: str, nonce: str, code_verifier: str) -> Identity:
        """Exchange the code that came back.

        Raises:
            NotSignedIn: the code or what it was exchanged for is not for this flow.
            TryAgainLater: the provider cannot be reached.
        """


@runtime_checkable
class PasswordCheck(Protocol):
    """A provider that takes an address and a password, and keeps the passwords itself."""

    async def check(self, email: str, password: str) -> Identity:
        """Whose they are.

        Raises:
            WrongPassword: they do not belong together; an unknown address is told the same.
            TryAgainLater: the provider cannot be asked.
        """
