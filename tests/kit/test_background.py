"""Work beside a block ends with the block, also when it does not hear the first word."""

import asyncio

import pytest

from riverrun.infra.redis_clients import AsyncRedis
from riverrun.kit import background
from riverrun.kit.background import end, run_beside


class Deaf:
    """Work that swallows so many words to end."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.began = asyncio.Event()
        self.has_ended = False

    async def __call__(self) -> None:
        self.began.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not self.left:
                    self.has_ended = True
                    raise
                self.left -= 1


async def test_all_works_end_with_the_block_however_often_they_have_to_be_told() -> None:
    works = [Deaf(0), Deaf(1), Deaf(3)]
    async with run_beside(*works):
        for work in works:
            await work.began.wait()
    assert all(work.has_ended for work in works)


async def test_they_end_when_the_block_fails() -> None:
    work = Deaf(1)

    async def block() -> None:
        async with run_beside(work):
            await work.began.wait()
            raise LookupError

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert caught.group_contains(LookupError)
    assert work.has_ended


async def test_a_work_that_fails_ends_the_block_and_the_others() -> None:
    other = Deaf(1)

    async def failing() -> None:
        await other.began.wait()
        raise LookupError

    async def block() -> None:
        async with run_beside(other, failing):
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert caught.group_contains(LookupError)
    assert other.has_ended


async def test_a_block_that_is_cancelled_takes_them_along() -> None:
    work = Deaf(1)

    async def block() -> None:
        async with run_beside(work):
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await work.began.wait()
    await end([task])
    assert task.cancelled()
    assert work.has_ended


async def test_whoever_talks_to_redis_all_the_time_ends(
    async_redis: AsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py swallows the word while it sends, on Python 3.11: told once, half of these would go on for ever."""
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.001)

    async def talk() -> None:
        while True:
            await async_redis.ping()

    for moment in range(40):
        async with run_beside(talk):
            for _ in range(moment):
                await asyncio.sleep(0)


async def test_nothing_to_end() -> None:
    await end([])
    async with run_beside():
        pass
