"""The identity providers of this server, as its settings name them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from riverrun.auth.auth_service import GOOGLE, AuthService
from riverrun.auth.firebase_provider import FIREBASE, FirebaseProvider, open_firebase
from riverrun.auth.identity import BrowserFlow, IdentityProvider, PasswordCheck
from riverrun.auth.oidc_provider import OidcProvider
from riverrun.auth.provider_documents import ProviderDocuments
from riverrun.infra.outside_client import OutsideClient
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.problem import NotFound


@dataclass(frozen=True, slots=True)
class SsoProviders:
    """By name; ``passwords`` is who keeps the passwords of people who have none here."""

    by_name: Mapping[str, IdentityProvider]
    passwords: PasswordCheck | None = None

    def get(self, name: str) -> IdentityProvider:
        """The provider of that name.

        Raises:
            NotFound: there is none.
        """
        provider = self.by_name.get(name)
        if provider is None:
            raise NotFound
        return provider

    def get_browser_flow(self, name: str) -> BrowserFlow:
        """The same, when browsers can be sent there.

        Raises:
            NotFound: there is none, or they cannot.
        """
        provider = self.get(name)
        if not isinstance(provider, BrowserFlow):
            raise NotFound
        return provider

    @property
    def browser_flows(self) -> Mapping[str, BrowserFlow]:
        """Those to which browsers can be sent, in the order of the settings."""
        return {
            name: provider for name, provider in self.by_name.items() if isinstance(provider, BrowserFlow)
        }


@contextlib.asynccontextmanager
async def open_sso_providers(settings: Settings) -> AsyncIterator[SsoProviders]:
    """All that the settings name; none of them is asked anything before somebody comes by it.

    Raises:
        MissingSetting: the settings contradict each other.
    """
    if FIREBASE in settings.oidc_providers:
        raise MissingSetting(
            "RIVERRUN_OIDC_PROVIDERS: choose another name than firebase, which has settings of its own"
        )
    emulator = {settings.firebase_emulator} if settings.firebase_emulator else set()
    async with contextlib.aclosing(OutsideClient(settings.allowed_hosts | emulator)) as client:
        documents = ProviderDocuments(client)
        by_name: dict[str, IdentityProvider] = {
            name: OidcProvider(name, one, client, documents) for name, one in settings.oidc_providers.items()
        }
        if firebase := open_firebase(settings, documents):
            by_name[FIREBASE] = firebase
        yield SsoProviders(by_name, _open_passwords(settings, client, firebase))


def _open_passwords(
    settings: Settings, client: OutsideClient, firebase: FirebaseProvider | None
) -> AuthService | None:
    key = settings.google_identity_tool_kit_key
    if key is None:
        return None
    if firebase is None:
        raise MissingSetting(
            "GOOGLE_IDENTITY_TOOL_KIT_KEY is set: name its project in RIVERRUN_FIREBASE_PROJECT_ID as well"
        )
    emulator = settings.firebase_emulator
    base_url = f"http://{emulator}/identitytoolkit.googleapis.com" if emulator else GOOGLE
    return AuthService(client, key.get_secret_value(), firebase, base_url)


async def get_sso_providers(request: Request) -> SsoProviders:
    """The process's, from the lifespan's state."""
    providers: SsoProviders = request.state.sso_providers
    return providers


CurrentSsoProviders = Annotated[SsoProviders, Depends(get_sso_providers)]
