"""API keys over HTTP: made and taken back by their owner, who is signed in otherwise."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from riverrun.auth.api_key_service import AsyncApiKeyService
from riverrun.auth.api_keys import ApiKey, Scope
from riverrun.auth.dependencies import CurrentPrincipal
from riverrun.infra.dependencies import AsyncDb
from riverrun.kit.storable_text import STORABLE_NAME

api_keys_router = APIRouter(prefix="/api/v1/api-keys", tags=["auth"])

KeyName = Annotated[str, Field(min_length=1, max_length=100), STORABLE_NAME]


class NewApiKey(BaseModel):
    """What a key is called, and what it is to be good for."""

    name: KeyName
    scopes: list[Scope] = Field(default=[Scope.READ, Scope.WRITE], min_length=1)


class ApiKeyView(BaseModel):
    """A key without what makes it one; ``hint`` is its beginning."""

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(**{name: getattr(key, name) for name in ApiKeyView.model_fields})


class CreatedApiKey(ApiKeyView):
    """A key with its text, which is shown this once."""

    key: str


@api_keys_router.post("", status_code=201)
async def create_api_key(new: NewApiKey, principal: CurrentPrincipal, db: AsyncDb) -> CreatedApiKey:
    """Make a key for `/api/v2`. Keep it: only its hash is stored here. Only administrators make one that administers."""
    key, text = await AsyncApiKeyService(db).create(principal, new.name, new.scopes)
    return CreatedApiKey(**ApiKeyView.of(key).model_dump(), key=text)


@api_keys_router.get("")
async def list_api_keys(principal: CurrentPrincipal, db: AsyncDb) -> list[ApiKeyView]:
    """Your keys, the oldest first."""
    return [ApiKeyView.of(key) for key in await AsyncApiKeyService(db).list(principal)]


@api_keys_router.delete("/{key_id}", status_code=204)
async def revoke_api_key(key_id: UUID, principal: CurrentPrincipal, db: AsyncDb) -> None:
    """Revoke a key: the next request with it is refused."""
    await AsyncApiKeyService(db).revoke(principal, key_id)
