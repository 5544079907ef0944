"""One connection follows many runs: each has its three answers, none spoils another's."""

import asyncio
import contextlib
from collections import defaultdict
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.support.live_api import client_of, events_of, read_sse, serving
from tests.support.permits import OpenPermit
from tests.support.run_reading import keep, says
from tests.support.stories import make_run, make_user, text_event
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs.performance import perform_run
from riverrun.streaming.cursor import START
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.multiplex import MultiplexStream, Seat
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

PATH = "/api/v1/runs/events"
SseEvent = tuple[str, str, str]


@pytest.fixture
def runs(engine: Engine, user_id: UUID) -> list[UUID]:
    """Three runs that wait for a worker."""
    return [make_run(engine, user_id) for _ in range(3)]


def words(number: int) -> list[str]:
    """What the n-th run says; no two say the same."""
    return [f"run {number} word {word} " for word in range(20 + 5 * number)]


def perform_all(runs: list[UUID], worker: WorkerResources) -> None:
    for number, run_id in enumerate(runs):
        perform_run(run_id, worker, says(*words(number)), keep)


def asking_for(*runs: object) -> str:
    return f"{PATH}?" + "&".join(f"run={run}" for run in runs)


async def golden_of(client: httpx2.AsyncClient, runs: list[UUID]) -> dict[UUID, list[SseEvent]]:
    """Each run's events as its own stream gives them."""
    return {run_id: await read_sse(client, f"/api/v1/runs/{run_id}/events") for run_id in runs}


def apart(runs: list[UUID], events: list[SseEvent]) -> dict[UUID, list[SseEvent]]:
    """A multiplexed stream's events, each as its run's own stream would have given it."""
    found: dict[UUID, list[SseEvent]] = defaultdict(list)
    for vector, kind, data in events:
        head, _, rest = data.partition(",")
        run_id = UUID(head.removeprefix('{"run_id":"').removesuffix('"'))
        found[run_id].append((vector.split(",")[runs.index(run_id)], kind, "{" + rest))
    return dict(found)


async def test_each_run_comes_whole_and_byte_for_byte(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    perform_all(runs, worker)
    events = await read_sse(client, asking_for(*runs))
    assert apart(runs, events) == await golden_of(client, runs)


async def test_runs_are_followed_while_they_are_under_way_and_the_stream_ends_with_the_last(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    reading = asyncio.create_task(read_sse(client, asking_for(*runs)))
    await asyncio.to_thread(perform_all, runs, worker)
    events = await reading
    assert apart(runs, events) == await golden_of(client, runs)
    assert [kind for _, kind, _ in events].count("end") == len(runs)
    assert events[-1][1] == "end"


async def test_after_each_single_event_the_rest_of_every_run_follows(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    perform_all(runs, worker)
    golden = await golden_of(client, runs)
    events = await read_sse(client, asking_for(*runs))
    for cut in range(1, len(events)):
        head = events[:cut]
        rest = await read_sse(client, asking_for(*runs), headers={"last-event-id": head[-1][0]})
        assert apart(runs, head + rest) == golden


async def test_a_reader_cut_off_again_and_again_misses_nothing(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    performing = asyncio.create_task(asyncio.to_thread(perform_all, runs, worker))
    seen: list[SseEvent] = []
    while not seen or [kind for _, kind, _ in seen].count("end") < len(runs):
        headers = {"last-event-id": seen[-1][0]} if seen else {}
        seen += await read_a_few(client, asking_for(*runs), headers, count=7)
    await performing
    assert apart(runs, seen) == await golden_of(client, runs)


async def read_a_few(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str], count: int
) -> list[SseEvent]:
    """Some events, then the socket is closed."""
    body = ""
    async with client.stream("GET", path, headers=headers) as response:
        async for text in response.aiter_text():
            body += text
            if len(events_of(body.rpartition("\n\n")[0])) >= count:
                break
    return events_of(body.rpartition("\n\n")[0])[:count]


async def test_positions_beside_the_runs_count_for_the_first_connection(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    perform_all(runs, worker)
    golden = await golden_of(client, runs)
    end = golden[runs[2]][-1][0]
    events = await read_sse(client, asking_for(f"{runs[0]}@1-5", f"{runs[1]}@7", f"{runs[2]}@{end}"))
    assert apart(runs, events) == {runs[0]: golden[runs[0]][5:], runs[1]: golden[runs[1]][7:]}


async def test_where_nothing_is_missing_of_any_run_the_answer_is_empty(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    perform_all(runs, worker)
    last = (await read_sse(client, asking_for(*runs)))[-1][0]
    response = await client.get(asking_for(*runs), headers={"last-event-id": last})
    assert (response.status_code, response.content) == (204, b"")


async def test_a_foreign_and_an_unknown_run_are_told_alike_once_and_the_others_go_on(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID], engine: Engine
) -> None:
    perform_all(runs, worker)
    foreign, unknown = make_run(engine, make_user(engine, "stranger@example.org")), new_uuid()
    asked = [foreign, runs[0], unknown]
    events = await read_sse(client, asking_for(*asked))
    found = apart(asked, events)
    assert found[runs[0]] == (await golden_of(client, runs))[runs[0]]
    assert found[foreign] == found[unknown]
    ((place, kind, data),) = found[foreign]
    assert (place, kind) == ("x", "problem")
    assert '"type":"/problems/not-found"' in data
    rest = await read_sse(client, asking_for(*asked), headers={"last-event-id": events[-2][0]})
    assert rest == events[-1:]
    response = await client.get(asking_for(*asked), headers={"last-event-id": events[-1][0]})
    assert response.status_code == 204


async def test_a_stream_of_refused_runs_alone_ends_after_telling_so(client: httpx2.AsyncClient) -> None:
    events = await read_sse(client, asking_for(new_uuid(), new_uuid()))
    assert [(vector, kind) for vector, kind, _ in events] == [("x,0-0", "problem"), ("x,x", "problem")]


async def test_an_unknown_position_is_reset_for_its_run_alone(
    client: httpx2.AsyncClient, worker: WorkerResources, runs: list[UUID]
) -> None:
    perform_all(runs, worker)
    golden = await golden_of(client, runs)
    events = apart(runs, await read_sse(client, asking_for(runs[0], f"{runs[1]}@9-9", runs[2])))
    assert [kind for _, kind, _ in events[runs[1]]] == ["reset", "end"]
    assert events[runs[1]][-1] == golden[runs[1]][-1]
    assert (events[runs[0]], events[runs[2]]) == (golden[runs[0]], golden[runs[2]])


@pytest.mark.parametrize("query", ["run=x", "run=", "", "run=@1-2"])
async def test_what_cannot_be_read_is_refused_before_anything_is_sent(
    client: httpx2.AsyncClient, query: str
) -> None:
    response = await client.get(f"{PATH}?{query}")
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


async def test_one_position_for_two_runs_is_refused(client: httpx2.AsyncClient, runs: list[UUID]) -> None:
    response = await client.get(asking_for(*runs), headers={"last-event-id": "1-2"})
    assert response.status_code == 400


async def test_a_server_that_leaves_tells_the_position_in_every_run(
    settings: Settings, engine: Engine, user_id: UUID, runs: list[UUID]
) -> None:
    token = issue_bearer_token(engine, user_id, "test")
    server = contextlib.AsyncExitStack()
    body, leaving = "", None
    base_url = await server.enter_async_context(serving(settings))
    async with client_of(base_url, token) as client, client.stream("GET", asking_for(*runs)) as response:
        async for text in response.aiter_text():
            body += text
            if body.count("event: queued") == len(runs) and leaving is None:
                leaving = asyncio.create_task(server.aclose())
    assert leaving is not None
    await leaving
    assert events_of(body)[-1] == ("", "reconnect", '{"position":"1-1,1-1,1-1"}')


async def test_one_beat_serves_all_runs_and_a_frame_wakes_the_sleeper(
    hub: StreamHub, async_streams: AsyncRedisStreamManager, runs: list[UUID]
) -> None:
    seats = [Seat(run_id, "0-0", position=START) for run_id in runs]
    with MultiplexStream(hub, seats, OpenPermit()).attach() as reader:
        opening = b""
        while opening.count(b"event: queued") < len(runs):
            opening += await reader.next_frames()
        for topic in hub._topics.values():
            for subscription in topic.readers:
                subscription.beat()
        assert await reader.next_frames() == b""
        await async_streams.publish_events(runs[1], [text_event(1), text_event(2)])
        frames = await reader.next_frames()
        assert frames.startswith(b"id: 1-1,1-2,1-1\nevent: text\n")
    assert hub.readers == 0


async def test_a_client_that_goes_frees_its_place_at_every_run(
    client: httpx2.AsyncClient, settings: Settings, runs: list[UUID], hub: StreamHub
) -> None:
    for _ in range(20):
        assert await read_a_few(client, asking_for(*runs), {}, count=3)
    async with contextlib.AsyncExitStack() as stack:
        for seat in (Seat(run_id, "0-0", position=START) for run_id in runs):
            stack.enter_context(MultiplexStream(hub, [seat], OpenPermit()).attach())
        assert hub.readers == len(runs)
    await wait_until_async(lambda: hub.readers == 0)
