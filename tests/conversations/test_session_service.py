"""Polling a conversation's session: true, cheap, and the same whether Redis remembers or not."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import pytest
from redis.exceptions import RedisError
from sqlalchemy import Engine, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.streaming.silent_valkey import NEVER_GIVES_UP, silent_valkey
from tests.support.live_api import client_of
from tests.support.stories import make_user, text_event
from tests.support.waiting import wait_until_async

from riverrun.auth.principal import Principal, caller
from riverrun.auth.sign_in import issue_bearer_token
from riverrun.conversations.session_service import AsyncSessionService, further
from riverrun.conversations.session_statements import SESSION
from riverrun.embedded import EmbeddedServers
from riverrun.infra.redis_clients import SyncRedis, open_async_redis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs import statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.event_log import AsyncEventLog
from riverrun.runs.performance import perform_run
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager, RedisStreamManager
from riverrun.streaming.run_log import RunLog


def record_nothing(*_: object) -> dict[str, object]:
    return {"message_id": None, "chars": 0}


async def ask(client: httpx2.AsyncClient, conversation: str, **query: str) -> dict[str, str]:
    response = await client.post(
        f"{conversation}/message", params={"background": "true", **query}, json={"content": "Why?"}
    )
    assert response.status_code == 202, response.text
    return dict(response.json())


async def perform(worker: WorkerResources, run_id: str, *texts: str) -> None:
    def work(attempt: Attempt) -> None:
        for piece in texts:
            attempt.emit("text", text=piece)

    await asyncio.to_thread(perform_run, UUID(run_id), worker, work, record_nothing)


async def test_a_conversation_without_questions_is_idle(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    status = (await client.get(f"{conversation}/task-status")).json()
    assert status == {
        "isActive": False,
        "sessionId": None,
        "runId": None,
        "taskId": None,
        "status": "idle",
        "estimatedCompletion": None,
        "conversationId": conversation.rpartition("/")[2],
    }
    assert (await client.get(f"{conversation}/active-session")).status_code == 404


@pytest.mark.parametrize("redis_is_emptied", [False, True])
async def test_a_session_is_told_as_it_is_at_each_stage(
    client: httpx2.AsyncClient,
    conversation: str,
    worker: WorkerResources,
    sync_redis: SyncRedis,
    redis_is_emptied: bool,
) -> None:
    began = datetime.now(UTC)
    asked = await ask(client, conversation)

    async def look(path: str) -> httpx2.Response:
        if redis_is_emptied:
            sync_redis.flushdb()
        return await client.get(f"{conversation}/{path}")

    assert (await look("task-status")).json()["status"] == "queued"
    waiting = (await look("active-session")).json()
    assert (waiting["status"], waiting["startedAt"], waiting["cursor"]) == ("queued", None, "1-1")

    said = asyncio.Event()
    may_end = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(attempt: Attempt) -> None:
        attempt.emit("text", text="It is ")
        loop.call_soon_threadsafe(said.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result()

    performing = asyncio.create_task(
        asyncio.to_thread(perform_run, UUID(asked["run_id"]), worker, work, record_nothing)
    )
    await said.wait()

    async def is_recorded() -> bool:
        return bool((await look("active-session")).json()["cursor"] == "1-3")

    await wait_until_async(is_recorded)
    active = (await look("active-session?snapshot=true")).json()
    assert (active["sessionId"], active["runId"]) == (asked["session_id"], asked["run_id"])
    assert (active["status"], active["cursor"]) == ("active", "1-3")
    assert active["snapshot"]["text"] == "It is "
    assert began <= datetime.fromisoformat(active["startedAt"]) <= datetime.now(UTC)
    assert active["startedAt"] <= active["lastActivity"]
    assert datetime.fromisoformat(active["lastActivity"]) <= datetime.now(UTC)
    running = (await look("task-status")).json()
    assert (running["isActive"], running["status"], running["runId"]) == (True, "running", asked["run_id"])

    may_end.set()
    await performing
    assert (await look("active-session")).status_code == 404
    ended = (await look("task-status")).json()
    assert (ended["isActive"], ended["status"], ended["runId"]) == (False, "completed", asked["run_id"])


async def test_a_session_is_known_by_the_name_that_the_client_gave(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    asked = await ask(client, conversation, session_id="my:run")
    assert asked["session_id"] == "my:run"
    for path in ("active-session", "task-status"):
        assert (await client.get(f"{conversation}/{path}")).json()["sessionId"] == "my:run"


async def test_the_duration_is_estimated_by_what_earlier_answers_took(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    await perform(worker, (await ask(client, conversation))["run_id"], "quick")
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET started_at = ended_at - interval '1 hour'"))
    second = await ask(client, conversation)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE runs SET status = 'running', attempt = 1, started_at = now() WHERE id = :id"),
            {"id": UUID(second["run_id"])},
        )
    status = (await client.get(f"{conversation}/task-status")).json()
    seconds = (datetime.fromisoformat(status["estimatedCompletion"]) - datetime.now(UTC)).total_seconds()
    assert 3_000 < seconds <= 3_600
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET started_at = now() - interval '2 hours'"))
    assert (await client.get(f"{conversation}/task-status")).json()["estimatedCompletion"] is None


async def test_a_poll_may_wait_for_a_worker(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, streams: RedisStreamManager
) -> None:
    asked = await ask(client, conversation)
    assert (await client.get(f"{conversation}/task-status?wait_seconds=0.1")).json()["status"] == "queued"
    waiting = asyncio.create_task(client.get(f"{conversation}/task-status?wait_seconds=20"))
    streams.set_task_status(UUID(asked["run_id"]), "running")
    assert (await waiting).json()["status"] == "running"
    assert (await client.get(f"{conversation}/task-status?wait_seconds=26")).status_code == 422


async def test_a_poll_is_answered_while_redis_is_silent(
    client: httpx2.AsyncClient, conversation: str, sync_redis: SyncRedis
) -> None:
    asked = await ask(client, conversation)
    sync_redis.client_pause(3_000)
    status = (await client.get(f"{conversation}/task-status")).json()
    session = (await client.get(f"{conversation}/active-session")).json()
    await wait_until_async(lambda: answers(sync_redis))
    assert (status["status"], status["runId"], status["taskId"]) == ("queued", asked["run_id"], None)
    assert (session["status"], session["cursor"]) == ("queued", "1-1")


def answers(redis: SyncRedis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


async def test_a_snapshot_comes_from_the_record_while_redis_is_silent(
    servers: EmbeddedServers,
    redis_url: str,
    async_engine: AsyncEngine,
    event_log: AsyncEventLog,
    client: httpx2.AsyncClient,
    conversation: str,
    engine: Engine,
    user_id: UUID,
) -> None:
    """The client here waits for ever: none of the reads may leave the giving up to it."""
    asked = await ask(client, conversation)
    with engine.begin() as connection:
        connection.execute(statements.insert_events(UUID(asked["run_id"]), [text_event(2, "It is ")]))
    async with (
        open_async_redis(redis_url + NEVER_GIVES_UP) as patient,
        AsyncSession(async_engine, expire_on_commit=False) as session,
    ):
        streams = AsyncRedisStreamManager(patient, ttl_seconds=60)
        run_log = RunLog(streams, event_log)
        service = AsyncSessionService(session, Principal(user_id, "", "", False), streams, run_log)
        with silent_valkey(servers):
            async with asyncio.timeout(30):
                active = await service.get_active_session(
                    UUID(conversation.rpartition("/")[2]), with_snapshot=True
                )
    assert active.cursor == "1-2"
    assert active.snapshot is not None
    assert active.snapshot["text"] == "It is "


async def test_a_strangers_session_is_an_unknown_one(
    base_url: str, client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    asked = await ask(client, conversation, session_id="mine")
    token = issue_bearer_token(engine, make_user(engine, "stranger@example.org"), "test")
    unknown = f"/api/v1/conversations/{new_uuid()}"
    async with client_of(base_url, token) as stranger:
        for method, path in (
            ("GET", "/active-session"),
            ("GET", "/task-status"),
            ("POST", "/resume/mine"),
            ("POST", f"/resume/{asked['run_id']}"),
        ):
            foreign = await stranger.request(method, conversation + path)
            nothing = await stranger.request(method, unknown + path)
            assert foreign.status_code == nothing.status_code == 404, path
            assert foreign.content == nothing.content


async def test_a_deleted_conversation_leaves_nothing_in_redis(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, sync_redis: SyncRedis
) -> None:
    await perform(worker, (await ask(client, conversation))["run_id"], "said")
    await ask(client, conversation)
    assert list(sync_redis.scan_iter("run:*"))
    assert (await client.delete(conversation)).status_code == 204
    assert list(sync_redis.scan_iter("run:*")) == []


async def test_a_poll_costs_one_query_and_one_round_trip_however_much_there_is(
    async_engine: AsyncEngine,
    async_streams: AsyncRedisStreamManager,
    run_log: RunLog,
    client: httpx2.AsyncClient,
    conversation: str,
    worker: WorkerResources,
    user_id: UUID,
    sync_redis: SyncRedis,
) -> None:
    for _ in range(3):
        await perform(worker, (await ask(client, conversation))["run_id"], "many ", "words")
    await ask(client, conversation)
    sync_redis.mset({f"other:{number}": "x" for number in range(10_000)})
    conversation_id = UUID(conversation.rpartition("/")[2])
    queries: list[str] = []
    event.listen(
        async_engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _u, statement, *_: queries.append(statement),
    )
    calls = counted_calls(sync_redis)
    principal = Principal(user_id, "", "", False)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        service = AsyncSessionService(session, principal, async_streams, run_log)
        before = calls()
        assert (await service.get_task_status(conversation_id)).isActive
        assert (await service.get_active_session(conversation_id)).status == "queued"
    assert len(queries) == 2
    assert {
        name: count - before.get(name, 0) for name, count in calls().items() if count != before.get(name)
    } == {
        "get": 4,
        "xrevrange": 2,
    }


OF_NO_POLL = ("info", "client", "hello", "auth", "llen")
"""What connecting, counting, and the sweeper of the API beside it call."""


def counted_calls(redis: SyncRedis) -> Callable[[], dict[str, int]]:
    """How often each command was called on the server, the looking itself left out."""

    def look() -> dict[str, int]:
        stats = redis.info("commandstats")
        names = {name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()}
        return {name: calls for name, calls in names.items() if not name.startswith(OF_NO_POLL)}

    return look


async def test_the_query_of_a_poll_reads_by_indexes_alone(
    engine: Engine, async_engine: AsyncEngine, user_id: UUID
) -> None:
    principal = Principal(user_id, "", "", False, "someone@example.org", links=("a link",))
    async with async_engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        values = caller(principal) | {"conversation_id": new_uuid()}
        compiled = SESSION.params(values).compile(async_engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join((await connection.execute(text(f"EXPLAIN {compiled}"))).scalars())
    assert "Seq Scan" not in plan, plan
    assert "Index Cond: (owner_id = conversations.user_id)" in plan, plan


@pytest.mark.parametrize(
    ("recorded", "hot", "told"),
    [
        ("queued", None, "queued"),
        ("queued", "running", "running"),
        ("running", "queued", "running"),
        ("running", "completed", "completed"),
        ("completed", "running", "completed"),
        ("cancelled", "completed", "cancelled"),
    ],
)
def test_the_further_status_is_told(recorded: str, hot: str | None, told: str) -> None:
    assert further(recorded, hot) == told
