"""The ways in to one's account, and identities that wait to become one."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from riverrun.auth.account_schemas import ProvidersView
from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.unified_auth_service import UnifiedAuthService
from riverrun.infra.dependencies import AsyncDb, CurrentSettings
from riverrun.kit.storable_text import StorableText

providers_router = APIRouter(prefix="/api/v1/providers", tags=["auth"])


class ChosenProvider(BaseModel):
    """One of the account's ways in, by its type."""

    provider_type: Annotated[StorableText, Field(min_length=1, max_length=100)]


class LinkingToken(BaseModel):
    """What a sign-in that needs linking has answered with."""

    linking_token: Annotated[StorableText, Field(max_length=200)]


class LinkedProvider(BaseModel):
    """The identity that is a way in now."""

    message: str
    provider: str


@providers_router.get("/me")
async def list_my_providers(principal: CurrentPrincipal, db: AsyncDb) -> ProvidersView:
    """By what ways you may sign in."""
    return ProvidersView.of(await AsyncLinkedProviders(db).list(principal.user_id))


@providers_router.post("/set-primary")
async def set_primary_provider(
    chosen: ChosenProvider, principal: CurrentPrincipal, db: AsyncDb
) -> ProvidersView:
    """Say which one is the usual."""
    providers = AsyncLinkedProviders(db)
    await providers.set_primary(principal.user_id, chosen.provider_type)
    return ProvidersView.of(await providers.list(principal.user_id))


@providers_router.post("/confirm-linking")
async def confirm_linking(
    given: LinkingToken, principal: CurrentPrincipal, db: AsyncDb, settings: CurrentSettings
) -> LinkedProvider:
    """Make the identity that waits a way in to your account. Only the account's owner can, and only within 15 minutes."""
    service = UnifiedAuthService(db, settings.sign_up)
    linked = await service.confirm_linking(principal, given.linking_token)
    return LinkedProvider(message="It signs you in from now on.", provider=linked.provider_type)


@providers_router.delete("/cancel-linking/{linking_token}", status_code=204)
async def cancel_linking(
    linking_token: Annotated[StorableText, Field(max_length=200)],
    principal: CurrentPrincipal,
    db: AsyncDb,
    settings: CurrentSettings,
) -> None:
    """Send the identity that waits away."""
    await UnifiedAuthService(db, settings.sign_up).cancel_linking(principal, linking_token)


@providers_router.delete("/unlink", status_code=204)
async def unlink_provider(chosen: ChosenProvider, principal: CurrentPrincipal, db: AsyncDb) -> None:
    """Take a way in away; the last one stays."""
    await AsyncLinkedProviders(db).unlink(principal.user_id, chosen.provider_type)
