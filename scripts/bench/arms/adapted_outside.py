"""The name of ``OutsideClient`` over a sync client: the identity providers above do not notice."""

from collections.abc import Collection
from typing import Any

import httpx2
import orjson

from bench.arms.ways import Way
from riverrun.infra.outside_client import CONNECT_TIMEOUT_SECONDS, TOTAL_TIMEOUT_SECONDS, Answer, Unreachable


class AdaptedOutsideClient:
    """Asks servers outside; each question goes the arm's way, and like the product's has a connection of its own."""

    def __init__(self, way: Way, allowed_hosts: Collection[str] = ()) -> None:
        self._way = way
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(TOTAL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            limits=httpx2.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def is_fit(self, url: str) -> bool:
        """The benchmark has only its own fake to ask."""
        return True

    async def ask(self, method: str, url: str, **content: Any) -> Answer:
        """The answer; raises ``Unreachable`` when there is none."""
        try:
            response = await self._way(self._client.request, method, url, **content)
        except httpx2.HTTPError as error:
            raise Unreachable(str(error)) from error
        return Answer(response.status_code, orjson.loads(response.content), response.headers)

    async def aclose(self) -> None:
        """Close its connections."""
        self._client.close()
