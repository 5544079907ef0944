"""An owner with a conversation, and others who may come to see it: each with a client of their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.live_api import client_of

V1 = "/api/v1"


@dataclass(frozen=True, slots=True)
class Party:
    """``conversation`` is the path of the owner's conversation; ``ann`` and ``bob`` have nothing of their own."""

    owner: httpx2.AsyncClient
    ann: httpx2.AsyncClient
    bob: httpx2.AsyncClient
    guest: httpx2.AsyncClient
    conversation: str
    project_id: UUID

    @property
    def conversation_id(self) -> str:
        return self.conversation.rpartition("/")[2]

    async def share(self, *emails: str, **more: Any) -> dict[str, Any]:
        """The owner lets people in."""
        share = {"conversation_id": self.conversation_id, "recipientEmails": list(emails), **more}
        response = await self.owner.post(f"{V1}/conversations/share", json=share)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def share_project(self, *emails: str) -> None:
        """The owner lets people look into the repository."""
        share = {"recipientEmails": list(emails)}
        response = await self.owner.post(f"{V1}/projects/{self.project_id}/share", json=share)
        assert response.status_code == 201, response.text

    async def remove(self, *emails: str) -> None:
        """The owner shuts people out."""
        response = await self.owner.request(
            "DELETE", f"{self.conversation}/access", json={"emails": list(emails)}
        )
        assert response.status_code == 200, response.text


@asynccontextmanager
async def party_at(
    base_url: str, engine: Engine, owner: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    """The people of one test."""
    async with AsyncExitStack() as stack:
        ann, bob = [
            await stack.enter_async_context(client_of(base_url, make_person(engine, email).token))
            for email in ("ann@example.org", "bob@example.org")
        ]
        guest = await stack.enter_async_context(client_of(base_url))
        yield Party(owner, ann, bob, guest, conversation, project_id)


def link_header(shared: dict[str, Any]) -> dict[str, str]:
    """How a program shows the link that was made."""
    return {"x-share-link": shared["link"]["url"].rpartition("/")[2]}
