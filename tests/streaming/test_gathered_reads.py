"""Reads that are asked for together leave together; none is answered by what was read before it was asked for."""

import asyncio
from collections.abc import Sequence

from tests.support.waiting import wait_until_async

from riverrun.kit.ids import new_uuid
from riverrun.streaming.commands import Place, Stretch
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event
from riverrun.streaming.gathered_reads import READ_AT_ONCE, GatheredReads

RUN = new_uuid()


def place(seq: int) -> Place:
    return Place(RUN, Position(1, seq))


def next_event(of: Place) -> Event:
    return Event.create(Position(1, of.position.seq + 1), "text", {})


class Store:
    """Answers each place with the event after it, when it may; keeps what was asked, round trip by round trip."""

    def __init__(self) -> None:
        self.round_trips: list[list[Place]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.error: Exception | None = None

    async def read_all(self, places: Sequence[Place]) -> list[Stretch]:
        self.round_trips.append(list(places))
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return [Stretch([next_event(one)], holds_place=True, reaches_top=True) for one in places]


async def test_each_reader_gets_the_answer_of_its_own_place() -> None:
    store = Store()
    reads = GatheredReads(store.read_all)
    count = 2 * READ_AT_ONCE + 3
    stretches = await asyncio.gather(*[reads.read_after(place(seq)) for seq in range(count)])
    assert [stretch.events[0].position.seq for stretch in stretches] == list(range(1, count + 1))
    assert [len(places) for places in store.round_trips] == [READ_AT_ONCE, READ_AT_ONCE, 3]


async def test_equal_reads_of_one_turn_are_one() -> None:
    store = Store()
    reads = GatheredReads(store.read_all)
    stretches = await asyncio.gather(*[reads.read_after(place(1)) for _ in range(50)])
    assert store.round_trips == [[place(1)]]
    assert all(stretch is stretches[0] for stretch in stretches)


async def test_a_read_under_way_is_not_shared_with_whoever_asks_later() -> None:
    store = Store()
    store.may_answer.clear()
    reads = GatheredReads(store.read_all)
    first = asyncio.create_task(reads.read_after(place(1)))
    await wait_until_async(lambda: store.round_trips)
    second = asyncio.create_task(reads.read_after(place(1)))
    await wait_until_async(lambda: len(store.round_trips) == 2)
    store.may_answer.set()
    assert await first == await second
    assert store.round_trips == [[place(1)], [place(1)]]


async def test_a_reader_that_leaves_takes_nothing_from_the_others() -> None:
    store = Store()
    store.may_answer.clear()
    reads = GatheredReads(store.read_all)
    leaving, staying = (asyncio.create_task(reads.read_after(place(1))) for _ in range(2))
    await wait_until_async(lambda: store.round_trips)
    leaving.cancel()
    store.may_answer.set()
    assert (await staying).events == [next_event(place(1))]
    assert leaving.cancelled()


async def test_an_error_is_told_to_all_who_wait_and_the_next_read_is_a_new_one() -> None:
    store = Store()
    store.error = ConnectionError("away")
    reads = GatheredReads(store.read_all)
    told = await asyncio.gather(*[reads.read_after(place(seq)) for seq in (1, 2)], return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    store.error = None
    assert (await reads.read_after(place(1))).events == [next_event(place(1))]
    assert len(store.round_trips) == 2
