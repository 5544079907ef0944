"""The bound of a look at a conversation: the product's own SQL over asyncpg, and JSON, without framework or ORM.

``python -m bench.arms.raw_conversation <port> <redis_url>``, with the settings in the environment; says ``ready`` when it
listens.
"""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from bench.arms.probe import Probe
from bench.arms.raw_asgi import plain_head
from bench.command_lines import answer
from riverrun.auth.models import TokenKind
from riverrun.auth.principal import NOBODY
from riverrun.auth.statements import USER_OF_TOKEN, given_token
from riverrun.conversations.info_statement import CONVERSATION_INFO
from riverrun.infra.settings import Settings

POOL_SIZE = 20
"""As many connections as the product's engine may have."""
BEARER = b"Bearer "


class RawStatement:
    """A statement of the product as text, with its values in order."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        expanded = statement.compile(dialect=dialect()).construct_expanded_state()
        self.text = expanded.statement
        self._names = list(expanded.positiontup or ())
        self._fixed = expanded.parameters

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """``given`` by the statement's names of them, beside those that never change."""
        return [given.get(name, self._fixed[name]) for name in self._names]


class RawConversation:
    """The application: who has the token, then the conversation as they see it."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._sign_in = RawStatement(USER_OF_TOKEN.params(given_token("", TokenKind.BEARER)))
        caller = {"caller_id": NOBODY, "caller_email": None, "caller_links": []}
        self._info = RawStatement(CONVERSATION_INFO.params(**caller, conversation_id=NOBODY))
        self._pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        token = dict(scope["headers"])[b"authorization"].removeprefix(BEARER).decode()
        body = orjson.dumps(await self._look(token, UUID(scope["path"].split("/")[4])), default=str)
        await send(plain_head(body))
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        url = self._database_url.replace("+asyncpg", "")
        self._pool = await asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE, ssl=False)
        Probe().start()
        await send({"type": "lifespan.startup.complete"})
        answer("ready")
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _look(self, token: str, conversation_id: UUID) -> dict[str, Any]:
        async with self._pool.acquire() as connection:
            door = self._sign_in.values(given_token(token, TokenKind.BEARER))
            user = await connection.fetchrow(self._sign_in.text, *door)
            given = {
                "caller_id": user["id"],
                "caller_email": user["email"] if user["email_verified_at"] else None,
                "caller_links": [],
                "conversation_id": conversation_id,
            }
            row = await connection.fetchrow(self._info.text, *self._info.values(given))
        return info_of(row, user["id"])


def info_of(row: Any, user_id: UUID) -> dict[str, Any]:
    """The answer's fields. Beyond the conversation's columns they have no names, only places."""
    right, has_link, hides_sources, repository, total_messages, run_id, has_repositories = list(row.values())[
        -7:
    ]
    return {
        **{name: row[name] for name in ("id", "title", "status", "project_ids", "created_at", "updated_at")},
        "agent_id": next(iter(row["agent_ids"]), None),
        "repository": repository,
        "total_messages": total_messages,
        "run_id": run_id,
        "access_type": "read" if right == "view" else "write",
        "is_creator": row["user_id"] == user_id,
        "creator_id": row["user_id"],
        "visibility": "public" if has_link else "private",
        "hides_sources": hides_sources,
        "has_repositories": has_repositories,
    }


if __name__ == "__main__":
    config = uvicorn.Config(
        RawConversation(Settings().require_database_url()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        uvicorn.Server(config).run()
