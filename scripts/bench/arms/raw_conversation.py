"""The bound of a look at a conversation: the product's own SQL over asyncpg, and JSON, without framework or ORM.

``python -m bench.arms.raw_conversation <port> <redis_url>``, with the settings in the environment; says ``ready`` when it
listens.
"""

import asyncio
import contextlib
import sys
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn

from bench.arms.probe import Probe
from bench.arms.raw_asgi import plain_head
from bench.command_lines import answer
from riverrun.auth.models import TokenKind
from riverrun.auth.statements import USER_OF_TOKEN, given_token
from riverrun.conversations.info_statement import CONVERSATION_INFO
from riverrun.infra.settings import Settings

POOL_SIZE = 20
"""As many connections as the product's engine may have."""
BEARER = b"Bearer "


class RawConversation:
    """The application: who has the token, then the conversation as they see it."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
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
            door = USER_OF_TOKEN.in_order(given_token(token, TokenKind.BEARER))
            user = await connection.fetchrow(USER_OF_TOKEN.text, *door)
            given = {
                "caller_id": user["user_id"],
                "caller_email": user["verified_email"],
                "caller_links": [],
                "conversation_id": conversation_id,
            }
            return dict(await connection.fetchrow(CONVERSATION_INFO.text, *CONVERSATION_INFO.in_order(given)))


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
