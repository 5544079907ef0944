"""Rates over processes that share a Valkey, and what holds while it is away."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisAway
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import wait_until_async

from riverrun.infra.rate_limits import (
    MICROSECONDS,
    MOST_LOCAL_BUCKETS,
    TAKE_SCRIPT,
    LocalBuckets,
    Rate,
    RateLimiter,
    key_of,
)
from riverrun.infra.redis_clients import AsyncRedis, SyncRedis, open_async_redis
from riverrun.kit.problem import TooManyRequests, TryAgainLater

THREE_AN_HOUR = Rate("test", 3, 3_600)


async def passes(limiter: RateLimiter, rate: Rate, whose: str) -> bool:
    try:
        await limiter.admit(rate, whose)
    except TooManyRequests:
        return False
    return True


async def test_as_many_pass_as_the_rate_says_over_all_processes(redis_url: str) -> None:
    async with open_async_redis(redis_url) as one, open_async_redis(redis_url) as other:
        limiters = [RateLimiter(one), RateLimiter(other)]
        passed = await asyncio.gather(
            *(passes(limiters[number % 2], THREE_AN_HOUR, "somebody") for number in range(40))
        )
    assert sum(passed) == 3


async def test_one_is_not_counted_for_another_nor_one_rate_for_another(async_redis: AsyncRedis) -> None:
    limiter = RateLimiter(async_redis)
    for _ in range(3):
        assert await passes(limiter, THREE_AN_HOUR, "somebody")
    assert not await passes(limiter, THREE_AN_HOUR, "somebody")
    assert await passes(limiter, THREE_AN_HOUR, "somebody else")
    assert await passes(limiter, Rate("other", 3, 3_600), "somebody")


async def test_a_refusal_says_when_the_next_permit_is_there(async_redis: AsyncRedis) -> None:
    limiter = RateLimiter(async_redis)
    rate = Rate("test", 2, 3_600)
    await limiter.admit(rate, "somebody")
    await limiter.admit(rate, "somebody")
    with pytest.raises(TooManyRequests) as refused:
        await limiter.admit(rate, "somebody")
    assert 1_790 <= (refused.value.retry_after_seconds or 0) <= 1_800


async def test_permits_grow_again(async_redis: AsyncRedis) -> None:
    limiter = RateLimiter(async_redis)
    quick = Rate("test", 2, 0.2)
    async with asyncio.timeout(10):
        passed = 0
        while passed < 6:
            passed += await passes(limiter, quick, "somebody")


async def test_a_refused_request_uses_up_nothing(async_redis: AsyncRedis) -> None:
    limiter = RateLimiter(async_redis)
    for _ in range(3):
        await limiter.admit(THREE_AN_HOUR, "somebody")
    key = key_of(THREE_AN_HOUR, "somebody")
    before = await async_redis.get(key)
    assert not await passes(limiter, THREE_AN_HOUR, "somebody")
    assert await async_redis.get(key) == before


async def test_a_clock_that_is_set_back_locks_nobody_out_for_longer_than_a_window(
    async_redis: AsyncRedis,
) -> None:
    limiter = RateLimiter(async_redis)
    quick = Rate("test", 2, 0.2)
    key = key_of(quick, "somebody")
    seconds, microseconds = await async_redis.time()
    in_an_hour = (seconds + 3_600) * MICROSECONDS + microseconds
    await async_redis.set(key, in_an_hour, px=3_600_000)
    with pytest.raises(TooManyRequests) as refused:
        await limiter.admit(quick, "somebody")
    assert refused.value.retry_after_seconds == 1
    assert await async_redis.pttl(key) <= 200
    await wait_until_async(lambda: passes(limiter, quick, "somebody"))


async def test_an_idle_bucket_is_no_key(async_redis: AsyncRedis) -> None:
    await RateLimiter(async_redis).admit(THREE_AN_HOUR, "somebody@example.org")
    (key,) = await async_redis.keys()
    assert b"somebody" not in key
    assert b"{" in key
    assert 0 < await async_redis.pttl(key) <= 1_200_000


async def test_the_script_touches_one_key_so_that_a_cluster_can_run_it() -> None:
    assert "KEYS[1]" in TAKE_SCRIPT
    assert "KEYS[2]" not in TAKE_SCRIPT


async def test_zero_means_without_limit(async_redis: AsyncRedis) -> None:
    limiter = RateLimiter(async_redis)
    for _ in range(100):
        await limiter.admit(Rate("test", 0, 60), "somebody")
    assert await async_redis.keys() == []


async def test_while_valkey_is_away_this_process_counts_alone(redis_url: str) -> None:
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    with FaultProxy(port) as line:
        async with open_async_redis(redis_url.replace(f":{port}", f":{line.port}")) as redis:
            limiter = RateLimiter(redis)
            line.cut()
            passed = [await passes(limiter, THREE_AN_HOUR, "somebody") for _ in range(10)]
    assert passed == [True] * 3 + [False] * 7


async def test_a_silent_valkey_does_not_hold_a_request_up(
    async_redis: AsyncRedis, sync_redis: SyncRedis
) -> None:
    limiter = RateLimiter(async_redis)
    sync_redis.client_pause(20_000, all=False)  # writes hang; the end of the pause is none
    try:
        async with asyncio.timeout(10):
            passed = [await passes(limiter, THREE_AN_HOUR, "somebody") for _ in range(10)]
    finally:
        sync_redis.client_unpause()
    assert passed == [True] * 3 + [False] * 7


async def test_a_rate_that_fails_closed_lets_nobody_pass_uncounted(redis_url: str) -> None:
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    closed = Rate("test", 3, 3_600, fails_closed=True)
    with FaultProxy(port) as line:
        async with open_async_redis(redis_url.replace(f":{port}", f":{line.port}")) as redis:
            limiter = RateLimiter(redis)
            line.cut()
            for _ in range(3):
                with pytest.raises(TryAgainLater):
                    await limiter.admit(closed, "somebody")
            line.mend()
            await limiter.admit(closed, "somebody")


async def test_a_silent_valkey_is_asked_once_and_then_left_alone_for_a_while(
    async_redis: AsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def refuse(*_: object) -> float:
        nonlocal asked
        asked += 1
        raise RedisAway

    limiter = RateLimiter(async_redis)
    monkeypatch.setattr(limiter, "_ask_valkey", refuse)
    for number in range(50):
        await limiter.admit(THREE_AN_HOUR, f"user {number}")
    assert asked == 1


def test_local_permits_grow_evenly() -> None:
    time = 100.0
    buckets = LocalBuckets(lambda: time)
    rate = Rate("test", 2, 10)
    assert [buckets.take(rate, "key") for _ in range(3)] == [0.0, 0.0, pytest.approx(5.0)]
    time += 5
    assert [buckets.take(rate, "key") for _ in range(2)] == [0.0, pytest.approx(5.0)]
    time += 1_000
    assert [buckets.take(rate, "key") for _ in range(3)] == [0.0, 0.0, pytest.approx(5.0)]


def test_local_buckets_do_not_grow_without_end() -> None:
    buckets = LocalBuckets(lambda: 100.0)
    rate = Rate("test", 1, 10)
    for number in range(MOST_LOCAL_BUCKETS + 50):
        buckets.take(rate, str(number))
    assert len(buckets._full_at) == MOST_LOCAL_BUCKETS
    assert buckets.take(rate, "0") == 0.0
    assert buckets.take(rate, str(MOST_LOCAL_BUCKETS)) > 0
