"""Rates: how often something may be done by one account, user or address. One script and one key in Valkey each.

A rate is a bucket of permits that fills up evenly. The key holds the moment at which it will be full again, so that an
idle bucket is no key at all.
"""

import asyncio
import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from riverrun.infra.redis_clients import AsyncRedis
from riverrun.kit.problem import TooManyRequests, TryAgainLater

PATIENCE_SECONDS = 0.5
"""How long a request waits for a silent Valkey before this process decides alone."""
ALONE_SECONDS = 1.0
"""How long it then goes on alone before it asks Valkey again."""
MOST_LOCAL_BUCKETS = 10_000
MICROSECONDS = 1_000_000

TAKE_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = tonumber(redis.call('GET', KEYS[1]) or 0)
if held > now + window then -- the clock was set back: at most one window is waited for
  held = now + window
  redis.call('SET', KEYS[1], string.format('%.0f', held), 'PX', math.ceil(window / 1000))
end
local full_at = math.max(held, now) + interval
local wait = full_at - now - window
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
"""
"""Take a permit, or return after how many microseconds there will be one. By the server's clock, which all processes share."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """``most`` at once, and as many again in each window of ``seconds``, evenly. ``most`` 0 means without limit.

    ``fails_closed``: nobody passes while Valkey is away; else each process counts for itself meanwhile.
    """

    name: str
    most: int
    seconds: float
    fails_closed: bool = False

    @property
    def interval_microseconds(self) -> int:
        """In what time one permit grows."""
        return math.ceil(self.seconds * MICROSECONDS / self.most)


class LocalBuckets:
    """The same buckets in this process's memory; the longest untouched are forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._clock = clock

    def take(self, rate: Rate, key: str) -> float:
        """Take a permit: 0, or the seconds until there will be one."""
        now = self._clock()
        full_at = max(self._full_at.get(key, 0.0), now) + rate.interval_microseconds / MICROSECONDS
        if (wait := full_at - now - rate.seconds) > 1 / MICROSECONDS:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MOST_LOCAL_BUCKETS:
            self._full_at.popitem(last=False)
        return 0.0


class RateLimiter:
    """Lets requests pass as often as their rates say, over all processes that share a Valkey."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._take = redis.register_script(TAKE_SCRIPT)
        self._local = LocalBuckets()
        self._alone_until = 0.0

    async def admit(self, rate: Rate, whose: str) -> None:
        """Count one of ``whose`` requests.

        Raises:
            TooManyRequests: there was no permit left; says when there will be one.
            TryAgainLater: Valkey is away, and the rate fails closed.
        """
        if not rate.most:
            return
        wait_seconds = await self._wait_for(rate, key_of(rate, whose))
        if wait_seconds:
            seconds = math.ceil(wait_seconds)
            raise TooManyRequests(f"That was too often: try again in {seconds} s.", seconds)

    async def _wait_for(self, rate: Rate, key: str) -> float:
        if rate.fails_closed or time.monotonic() >= self._alone_until:
            try:
                return await self._ask_valkey(rate, key)
            except (RedisError, OSError) as error:
                logger.warning("Valkey does not count (%s): %s", rate.name, error)
                self._alone_until = time.monotonic() + ALONE_SECONDS
        if rate.fails_closed:
            raise TryAgainLater("This cannot be counted now, and so is not let through. Nothing was lost.")
        return self._local.take(rate, key)

    async def _ask_valkey(self, rate: Rate, key: str) -> float:
        window_microseconds = rate.interval_microseconds * rate.most
        async with asyncio.timeout(PATIENCE_SECONDS):
            wait = await self._take(keys=[key], args=[rate.interval_microseconds, window_microseconds])
        return int(wait) / MICROSECONDS


def key_of(rate: Rate, whose: str) -> str:
    """The bucket's key; addresses and e-mails are not to be read in it."""
    digest = hashlib.sha256(whose.encode()).hexdigest()[:32]
    return f"rate:{{{rate.name}:{digest}}}"
