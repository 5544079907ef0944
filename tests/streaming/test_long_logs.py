"""However long a log is, whoever wants all of it reads it in pages: the loop turns between them."""

from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, update
from tests.streaming.loop_turns import LoopTurns
from tests.support.asking import ask
from tests.support.live_api import events_of
from tests.support.stories import take_over, text_event

from riverrun.infra.redis_clients import SyncRedis
from riverrun.runs import statements
from riverrun.runs.models import Run
from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager, RedisStreamManager
from riverrun.streaming.snapshot import Snapshot

PAGE = 256
LONG = [text_event(seq, f"word{seq} ") for seq in range(2, 1_001)]
TEXT = "".join(event.fields["text"] for event in LONG)


@pytest.fixture
async def turns(monkeypatch: pytest.MonkeyPatch) -> LoopTurns:
    """How many events are folded within one turn of the loop."""
    turns = LoopTurns()
    monkeypatch.setattr(Snapshot, "apply", turns.counted(Snapshot.apply))
    return turns


@pytest.fixture(params=["Redis", "the record"])
async def long_run(
    request: pytest.FixtureRequest,
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    streams: RedisStreamManager,
    sync_redis: SyncRedis,
) -> UUID:
    """An answer under way that has said much, in both copies or in the record alone."""
    run_id = UUID((await ask(client, conversation)).json()["run_id"])
    with engine.begin() as connection:
        connection.execute(statements.RECORD_EVENTS, statements.event_columns(run_id, LONG))
        connection.execute(update(Run).values(status="running", attempt=1))
    streams.publish_events(run_id, LONG)
    if request.param == "the record":
        sync_redis.flushall()
    return run_id


async def test_a_poll_folds_a_page_at_a_time(
    client: httpx2.AsyncClient, conversation: str, long_run: UUID, turns: LoopTurns
) -> None:
    async with turns:
        active = (await client.get(f"{conversation}/active-session?snapshot=true")).json()
    assert (active["cursor"], active["snapshot"]["text"]) == ("1-1000", TEXT)
    assert turns.calls == 1_000
    assert turns.most_in_one <= PAGE


async def test_a_reset_folds_a_page_at_a_time(
    client: httpx2.AsyncClient, long_run: UUID, turns: LoopTurns
) -> None:
    body = b""
    async with turns, client.stream("GET", f"/api/v1/runs/{long_run}/events?cursor=7-999999") as response:
        async for chunk in response.aiter_bytes():
            body += chunk
            if b"event: reset" in body and body.endswith(b"\n\n"):
                break
    [(event_id, kind, data)] = events_of(body.decode())
    assert (event_id, kind) == ("1-1000", "reset")
    assert Event(Position(1, 1_000), kind, data.encode()).fields["snapshot"]["text"] == TEXT
    assert turns.most_in_one <= PAGE


async def test_a_snapshot_of_many_pages_is_what_counts_at_its_position(
    streams: RedisStreamManager, async_streams: AsyncRedisStreamManager, run_id: UUID, turns: LoopTurns
) -> None:
    streams.publish_events(run_id, [text_event(1, ""), *LONG])
    async with turns:
        told = await async_streams.get_stream_snapshot(run_id)
    assert told is not None
    assert (told.snapshot.text, told.position) == (TEXT, (1, 1_000))
    assert turns.most_in_one <= PAGE
    assert told == streams.get_stream_snapshot(run_id)
    streams.publish_events(run_id, [take_over(301, attempt=2), text_event(302, "end", attempt=2)])
    told = await async_streams.get_stream_snapshot(run_id)
    assert told is not None
    assert told.position == (2, 302)
    assert told.snapshot.text == "".join(event.fields["text"] for event in LONG[:299]) + "end"
