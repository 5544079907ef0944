"""The billing system, if there is one: which plan a user has. Asked beside the questions, never while one waits."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx2
import orjson
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.infra.settings import MissingSetting
from riverrun.infra.web_address import is_web_address
from riverrun.kit.background import end
from riverrun.kit.clock import now
from riverrun.usage.limit_statements import note_subscription

TIMEOUT_SECONDS = 10.0
"""How long an answer may take as a whole."""
FRESH = timedelta(minutes=5)
"""How long a plan is taken as known before it is asked for again."""
PAUSE_SECONDS = 30.0
"""How long a user's plan is not asked for again, whether there was an answer or none."""
MOST_UNDER_WAY = 50
MOST_PLAN_CHARS = 100
MOST_ANSWER_BYTES = 100_000
NO_PLAN = ""
"""What is kept of a user whom the billing system says to have none: no plan has this name, so it means the default one."""

logger = logging.getLogger(__name__)


class Subscriptions:
    """Keeps what ``GET {base_url}/subscriptions/info?user_id=...`` says in the table ``subscriptions``.

    A plan that is not known, or was learnt long ago, is asked for in a task of its own; the question that showed it is
    decided by what is known. So an outage neither delays anybody nor takes a plan away.
    """

    def __init__(self, base_url: str | None, engine: AsyncEngine) -> None:
        """Raise MissingSetting if there is an address, and nothing can be sent to it."""
        if base_url and not is_web_address(base_url):
            raise MissingSetting("RIVERRUN_SUBSCRIPTION_BASE_URL must be an http or https address")
        self._base_url = (base_url or "").rstrip("/")
        self._engine = engine
        self._client: httpx2.AsyncClient | None = None
        self._asked_at: dict[UUID, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def is_on(self) -> bool:
        """Whether there is a billing system."""
        return bool(self._base_url)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is still awaited."""
        return bool(self._under_way)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the connection to the billing system until the block is left."""
        if not self.is_on:
            yield
            return
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as self._client:
            try:
                yield
            finally:
                await end(self._under_way)

    def look(self, user_id: UUID, learnt_at: datetime | None) -> None:
        """Have the user's plan asked for, if it is time; returns at once."""
        if not self.is_on or (learnt_at is not None and now() - learnt_at < FRESH):
            return
        if len(self._under_way) >= MOST_UNDER_WAY or not self._may_ask(user_id):
            return
        task = asyncio.create_task(self._learn(user_id), name=f"subscription-{user_id}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _may_ask(self, user_id: UUID) -> bool:
        """Whether the last time is long enough ago; if so, this is the last time."""
        at = time.monotonic()
        self._asked_at = {one: asked for one, asked in self._asked_at.items() if at - asked < PAUSE_SECONDS}
        if user_id in self._asked_at:
            return False
        self._asked_at[user_id] = at
        return True

    async def _learn(self, user_id: UUID) -> None:
        try:
            plan = await self._ask(user_id)
            async with self._engine.begin() as connection:
                await connection.execute(note_subscription(user_id, plan))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, SQLAlchemyError, OSError) as error:
            logger.warning("the plan of user %s is not to be learnt now: %s", user_id, type(error).__name__)

    async def _ask(self, user_id: UUID) -> str:
        """The user's plan, within ten seconds.

        Raises:
            httpx2.HTTPError, TimeoutError, ValueError: the billing system is out of order.
        """
        assert self._client is not None
        url, about = f"{self._base_url}/subscriptions/info", {"user_id": str(user_id)}
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            self._client.stream("GET", url, params=about) as response,
        ):
            if response.status_code == HTTPStatus.NOT_FOUND:
                logger.info("the billing system answers 404 for user %s: no plan but the default", user_id)
                return NO_PLAN
            response.raise_for_status()
            return _plan_in(orjson.loads(await _read(response)))


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise ValueError(f"an answer of more than {MOST_ANSWER_BYTES:,} bytes")
    return bytes(body)


def _plan_in(document: Any) -> str:
    """The plan's name; ``NO_PLAN`` where the answer says that there is none.

    Raises:
        ValueError: it says neither.
    """
    if not isinstance(document, dict | None):
        raise ValueError("an answer that is no object")
    said = document or {}
    plan = said.get("plan_type") or said.get("plan") or NO_PLAN
    if not isinstance(plan, str) or len(plan) > MOST_PLAN_CHARS or "\x00" in plan:
        raise ValueError("an answer whose plan is no name")
    return plan
