"""The billing system, if there is one: which plan a user has. Asked beside the questions, never while one waits."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.kit.clock import now
from riverrun.usage.limit_statements import note_subscription

TIMEOUT_SECONDS = 10.0
FRESH = timedelta(minutes=5)
"""How long a plan is taken as known before it is asked for again."""
PAUSE_SECONDS = 30.0
"""How long a user's plan is not asked for again, whether there was an answer or none."""
MOST_UNDER_WAY = 50
MOST_PLAN_CHARS = 100

logger = logging.getLogger(__name__)


class Subscriptions:
    """Keeps what ``GET {base_url}/subscriptions/info?user_id=...`` says in the table ``subscriptions``.

    A plan that is not known, or was learnt long ago, is asked for in a task of its own; the question that showed it is
    decided by what is known. So an outage neither delays anybody nor takes a plan away.
    """

    def __init__(self, base_url: str | None, engine: AsyncEngine) -> None:
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
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as self._client:
            try:
                yield
            finally:
                for task in self._under_way:
                    task.cancel()
                await asyncio.gather(*self._under_way, return_exceptions=True)

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
        assert self._client is not None
        try:
            response = await self._client.get(
                f"{self._base_url}/subscriptions/info", params={"user_id": str(user_id)}
            )
            response.raise_for_status()
            plan = _plan_in(response.json())
            async with self._engine.begin() as connection:
                await connection.execute(note_subscription(user_id, plan))
        except (httpx2.HTTPError, ValueError, SQLAlchemyError, OSError) as error:
            logger.warning("the plan of user %s is not to be learnt now: %s", user_id, type(error).__name__)


def _plan_in(document: Any) -> str:
    """The plan's name.

    Raises:
        ValueError: there is none in the answer.
    """
    if isinstance(document, dict):
        for name in ("plan_type", "plan"):
            plan = document.get(name)
            if isinstance(plan, str) and 0 < len(plan) <= MOST_PLAN_CHARS and "\x00" not in plan:
                return plan
    raise ValueError("an answer without a plan")
