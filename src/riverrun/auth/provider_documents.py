"""What providers publish of themselves, fetched when it is needed and kept for as long as they allow."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key, import_key

from riverrun.infra.outside_client import Answer, OutsideClient, Unreachable
from riverrun.kit.problem import TryAgainLater

FRESH_SECONDS = 3_600.0
"""For how long a document is kept where its provider says nothing."""
LEAST_FRESH_SECONDS, MOST_FRESH_SECONDS = 300.0, 86_400.0
PAUSE_SECONDS = 30.0
"""How long an unknown key's name makes nobody fetch the keys again: names cost a forger nothing."""
MOST_KEYS = 100

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shelf:
    """One document, and the lock under which it is fetched: many who need it at once fetch it once."""

    document: Any = None
    tried_at: float = float("-inf")
    """When the last fetch began that has ended, well or badly."""
    fresh_until: float = float("-inf")
    failure: TryAgainLater | None = None
    """The last one, by which whoever waited knows that a fetch failed meanwhile."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_due(self, at: float, pause_seconds: float | None) -> bool:
        """Whether the document is to be fetched now: it is not good any more, or no try is as young as the pause."""
        is_old = pause_seconds is not None and at - self.tried_at >= pause_seconds
        return is_old or at >= self.fresh_until


class ProviderDocuments:
    """Documents by their URLs. One a process, on one loop."""

    def __init__(self, client: OutsideClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._shelves: dict[str, _Shelf] = {}

    async def get(self, url: str, *, pause_seconds: float | None = None) -> dict[str, Any]:
        """The document at a URL that settings or a provider named.

        With ``pause_seconds`` one that is still good is fetched anew when it is older; but not within as many seconds
        of the last try, though that failed. Nobody whose document will do waits for another's fetch, and who waits
        while it fails does not try again: they would do so one after the other.

        Raises:
            TryAgainLater: it cannot be had.
        """
        shelf = self._shelves.setdefault(url, _Shelf())
        if shelf.is_due(self._clock(), pause_seconds):
            await self._renew(shelf, url, pause_seconds)
        document: dict[str, Any] = shelf.document
        return document

    async def keys(
        self, url: str, key_id: str | None, *, pause_seconds: float | None = None
    ) -> Sequence[Key]:
        """The public keys at a URL by that name, all where the token names none; ``pause_seconds`` as ``get`` has it.

        A name that is not there may be that of a new key: the keys are fetched again, at most twice a minute.

        Raises:
            TryAgainLater: they cannot be had.
        """
        found = _keys_in(await self.get(url, pause_seconds=pause_seconds), key_id)
        if not found:
            found = _keys_in(await self.get(url, pause_seconds=PAUSE_SECONDS), key_id)
        return found

    async def _renew(self, shelf: _Shelf, url: str, pause_seconds: float | None) -> None:
        """Fetch the document, unless somebody has done so by the time that it is our turn."""
        earlier_failure = shelf.failure
        async with shelf.lock:
            if shelf.failure and shelf.failure is not earlier_failure:
                raise TryAgainLater(shelf.failure.detail)
            at = self._clock()
            if shelf.is_due(at, pause_seconds):
                await self._refill(shelf, url, at)

    async def _refill(self, shelf: _Shelf, url: str, at: float) -> None:
        try:
            answer = await self._fetch(url)
        except TryAgainLater as failure:
            shelf.failure = TryAgainLater(failure.detail)  # without the frames of who asked
            shelf.tried_at = at
            raise
        shelf.document = answer.document
        shelf.tried_at, shelf.fresh_until = at, at + _fresh_seconds(answer)

    async def _fetch(self, url: str) -> Answer:
        try:
            answer = await self._client.ask("GET", url, headers={"accept": "application/json"})
        except Unreachable as error:
            logger.warning("an identity provider cannot be asked: %s", error)
            raise TryAgainLater("The identity provider cannot be reached now.") from error
        if not answer.is_success or not isinstance(answer.document, dict):
            logger.warning("an identity provider answers %s with status %d", url, answer.status)
            raise TryAgainLater("The identity provider does not say what this server needs to know.")
        return answer


def _fresh_seconds(answer: Answer) -> float:
    found = re.search(r"(?:^|[\s,])max-age=(\d{1,9})", answer.headers.get("cache-control", ""))
    seconds = float(found[1]) if found else FRESH_SECONDS
    return min(max(seconds, LEAST_FRESH_SECONDS), MOST_FRESH_SECONDS)


def _keys_in(document: dict[str, Any], key_id: str | None) -> list[Key]:
    listed = document.get("keys")
    described = listed[:MOST_KEYS] if isinstance(listed, list) else []
    wanted = [one for one in described if isinstance(one, dict) and key_id in (None, one.get("kid"))]
    return [key for one in wanted if (key := _key(one)) is not None]


def _key(described: dict[str, Any]) -> Key | None:
    """A key that we can use; providers may list others beside it."""
    try:
        return import_key(described)
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
        return None
