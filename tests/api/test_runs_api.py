"""Following runs over HTTP: exactly three answers to a position, and one answer to a stranger."""

import asyncio
import contextlib
from uuid import UUID

import httpx2
import orjson
import pytest
from sqlalchemy import Engine
from tests.support.asking import ask
from tests.support.live_api import client_of, read_sse, serving
from tests.support.run_reading import expire_lease, keep, says
from tests.support.stories import make_user

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run
from riverrun.streaming.commands import cancellation_key

WORDS = [f"word {number} " for number in range(120)]


def joined(events: list[tuple[str, str, str]]) -> str:
    return "".join(orjson.loads(data)["text"] for _, kind, data in events if kind == "text")


async def test_a_cut_after_every_event_leaves_exactly_the_rest(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, sync_redis: SyncRedis
) -> None:
    perform_run(queued_run, worker, says(*WORDS), keep)
    golden = await read_sse(client, f"/api/v1/runs/{queued_run}/events")
    assert joined(golden) == "".join(WORDS)
    for emptied in (False, True):
        if emptied:
            sync_redis.flushall()
        for index, (event_id, _, _) in enumerate(golden):
            rest = await read_sse(
                client, f"/api/v1/runs/{queued_run}/events", headers={"last-event-id": event_id}
            )
            assert rest == golden[index + 1 :]
            assert (
                await read_sse(client, f"/api/v1/runs/{queued_run}/events?after={index + 1}")
                == golden[index + 1 :]
            )


async def test_a_reader_that_waits_sees_the_answer_as_it_is_written(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID
) -> None:
    reading = [asyncio.create_task(read_sse(client, f"/api/v1/runs/{queued_run}/events")) for _ in range(5)]
    await asyncio.to_thread(perform_run, queued_run, worker, says(*WORDS), keep)
    answers = await asyncio.gather(*reading)
    assert all(answer == answers[0] for answer in answers)
    assert joined(answers[0]) == "".join(WORDS)


async def test_a_position_in_a_dropped_attempt_is_reset(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID, engine: Engine
) -> None:
    def die(attempt: Attempt) -> None:
        says(*WORDS)(attempt)
        attempt._release_keeper()
        expire_lease(engine, queued_run)
        perform_run(queued_run, worker, says("anew"), keep)

    perform_run(queued_run, worker, die, keep)
    for position in ("1-60", "1-500", "7-3"):
        events = await read_sse(client, f"/api/v1/runs/{queued_run}/events?cursor={position}")
        assert [kind for _, kind, _ in events] == ["reset", "end"]
        assert orjson.loads(events[0][2])["snapshot"]["text"] == "anew"
    whole = await read_sse(client, f"/api/v1/runs/{queued_run}/events")
    assert [kind for _, kind, _ in whole][-3:] == ["attempt", "text", "end"]


async def test_a_position_at_or_after_the_end_is_an_empty_answer(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID
) -> None:
    perform_run(queued_run, worker, says("short"), keep)
    for position in ("1-4", "4", "5", "1-400"):
        response = await client.get(f"/api/v1/runs/{queued_run}/events", params={"cursor": position})
        assert response.status_code == 204


@pytest.mark.parametrize("position", [str(2**31), f"1-{2**31}", str(2**53 - 1)])
async def test_a_position_beyond_all_that_can_be_recorded_is_reset(
    client: httpx2.AsyncClient, queued_run: UUID, position: str
) -> None:
    path = f"/api/v1/runs/{queued_run}/events?cursor={position}"
    async with client.stream("GET", path) as response:
        assert response.status_code == 200
        async for line in response.aiter_lines():
            if line.startswith("event:"):
                assert line == "event: reset"
                break


@pytest.mark.parametrize("garbage", ["x", "1-", "-1", "1e9", "💧", "1-2-3", "9" * 400, "%00"])
async def test_garbage_is_refused(client: httpx2.AsyncClient, queued_run: UUID, garbage: str) -> None:
    response = await client.get(f"/api/v1/runs/{queued_run}/events", params={"cursor": garbage})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_strangers_run_and_an_unknown_one_are_the_same(
    base_url: str, engine: Engine, queued_run: UUID
) -> None:
    stranger = make_user(engine, "stranger@example.org")
    async with client_of(base_url, issue_bearer_token(engine, stranger, "test")) as client:
        for path in ("", "/events", "/stop"):
            method = "POST" if path == "/stop" else "GET"
            foreign = await client.request(method, f"/api/v1/runs/{queued_run}{path}")
            unknown = await client.request(method, f"/api/v1/runs/{new_uuid()}{path}")
            assert foreign.status_code == unknown.status_code == 404
            assert foreign.content == unknown.content
            assert _lasting(foreign) == _lasting(unknown)


def _lasting(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in ("date", "x-request-id")}


@pytest.mark.parametrize("token", [None, "rr_wrong", "a b", "💧"])
async def test_a_wrong_token_is_told_what_to_do(base_url: str, queued_run: UUID, token: str | None) -> None:
    headers = {} if token is None else {"authorization": f"Bearer {token}".encode()}
    async with httpx2.AsyncClient(base_url=base_url) as client:
        response = await client.get(f"/api/v1/runs/{queued_run}", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["detail"]


async def test_a_waiting_run_is_stopped_at_once_and_only_once(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    queued_run = UUID((await ask(client, conversation)).json()["run_id"])
    reading = asyncio.create_task(read_sse(client, f"/api/v1/runs/{queued_run}/events"))
    receipt = (await client.post(f"/api/v1/runs/{queued_run}/stop")).json()
    assert receipt["status"] == "cancelled"
    assert receipt["saved_partial"] is False
    assert [kind for _, kind, _ in await reading] == ["queued", "end"]
    assert (await client.post(f"/api/v1/runs/{queued_run}/stop")).json() == receipt
    perform_run(queued_run, worker, says("too late"), keep)
    assert (await client.get(f"/api/v1/runs/{queued_run}")).json()["status"] == "cancelled"


async def test_a_stop_after_the_end_says_so_and_tells_nobody(
    client: httpx2.AsyncClient, queued_run: UUID, worker: WorkerResources, sync_redis: SyncRedis
) -> None:
    await asyncio.to_thread(perform_run, queued_run, worker, lambda _: None, lambda *_: None)
    receipt = (await client.post(f"/api/v1/runs/{queued_run}/stop")).json()
    assert receipt["status"] == "completed"
    assert not sync_redis.exists(cancellation_key(queued_run))


async def test_a_running_run_is_stopped_with_a_receipt(
    client: httpx2.AsyncClient, worker: WorkerResources, queued_run: UUID
) -> None:
    def talk_until_stopped(attempt: Attempt) -> None:
        while True:
            attempt.emit("text", text="more ")
            attempt.check()

    performing = asyncio.create_task(
        asyncio.to_thread(
            perform_run,
            queued_run,
            worker,
            talk_until_stopped,
            lambda _, attempt, *__: {"chars": len(attempt.snapshot.text)},
        )
    )
    async with client.stream("GET", f"/api/v1/runs/{queued_run}/events") as response:
        async for line in response.aiter_lines():
            if line == "event: text":
                break
    receipt = (await client.post(f"/api/v1/runs/{queued_run}/stop")).json()
    await performing
    assert receipt["status"] == "cancelled"
    golden = await read_sse(client, f"/api/v1/runs/{queued_run}/events")
    assert golden[-1][1] == "end"
    assert len(joined(golden)) == receipt["chars"]


async def test_servers_that_shut_down_send_readers_away_with_their_position(
    settings: Settings, engine: Engine, user_id: UUID, queued_run: UUID
) -> None:
    token = issue_bearer_token(engine, user_id, "test")
    server = serving(settings)
    async with client_of(await server.__aenter__(), token) as client, contextlib.AsyncExitStack() as streams:
        path = f"/api/v1/runs/{queued_run}/events"
        opened = [await streams.enter_async_context(client.stream("GET", path)) for _ in range(20)]
        lines = [response.aiter_lines() for response in opened]
        for stream in lines:
            while await anext(stream) != "event: queued":
                pass
        leaving = asyncio.create_task(server.__aexit__(None, None, None))
        for stream in lines:
            rest = [line async for line in stream if line]
            assert rest[-2:] == ["event: reconnect", 'data: {"position":"1-1"}']
        await leaving


async def test_readiness_names_the_servers(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert ready.json() == {
        "status": "ok",
        "servers": {"postgres": "ok", "streams": "ok", "broker": "ok"},
    }


async def test_a_results_name_that_no_text_can_be_is_refused(
    client: httpx2.AsyncClient, queued_run: UUID
) -> None:
    assert (await client.get(f"/api/v1/runs/{queued_run}/results/%00")).status_code == 422


async def test_a_line_break_in_a_results_name_leads_to_the_same_door(base_url: str, queued_run: UUID) -> None:
    async with client_of(base_url, "nothing") as stranger:
        for name in ("a", "a%0Ab", "%0A"):
            answer = await stranger.get(f"/api/v1/runs/{queued_run}/results/{name}")
            assert answer.status_code == 401


async def test_a_slash_too_many_is_no_way_in_a_circle(client: httpx2.AsyncClient, queued_run: UUID) -> None:
    for path in (f"/api/v1/runs/{queued_run}/results/", "/api/v1/runs//"):
        assert (await client.get(path)).status_code == 404
