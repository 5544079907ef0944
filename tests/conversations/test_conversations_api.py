"""The path of a question through the API, with the worker's part performed by its own code in a thread."""

import asyncio
import gzip
import json
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session
from tests.agents.fake_model_server import fake_model_server, hangs_after, text
from tests.support.asking import answer, ask
from tests.support.live_api import client_of, events_of
from tests.support.lock_waits import waiting_for_locks
from tests.support.stories import make_user
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.conversations.models import Conversation, Message
from riverrun.infra.redis_clients import SyncRedis
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project
from riverrun.runs.models import OutboxEntry, Run, RunEvent


async def test_a_question_is_answered_and_kept(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    asked = (await ask(client, conversation, "  How does it start?  ")).json()
    assert (await client.get(f"{conversation}/active-session")).json()["runId"] == asked["run_id"]
    await answer(worker, asked["run_id"])

    question, reply = (await client.get(f"{conversation}/messages")).json()
    assert (question["type"], question["content"], question["id"]) == (
        "HUMAN",
        "How does it start?",
        asked["message_id"],
    )
    assert reply["type"] == "AI_GENERATED"
    assert reply["run_id"] == asked["run_id"]
    streamed = events_of((await client.get(f"/api/v1/runs/{asked['run_id']}/events")).text)
    assert [kind for _, kind, _ in streamed][-1] == "end"
    assert (await client.get(f"{conversation}/active-session")).status_code == 404
    assert (await client.get(f"{conversation}/info")).json()["title"] == "How does it start?"


@pytest.mark.parametrize("local_mode", [True, False])
async def test_local_mode_is_kept_with_the_conversation_and_told_to_its_runs(
    client: httpx2.AsyncClient, project_id: UUID, engine: Engine, local_mode: bool
) -> None:
    new = {"project_ids": [str(project_id)]} | ({"local_mode": True} if local_mode else {})
    begun = await client.post("/api/v1/conversations", json=new)
    await ask(client, f"/api/v1/conversations/{begun.json()['conversation_id']}")
    with engine.connect() as connection:
        assert connection.scalar(select(Run.payload["local_mode"])) is local_mode


async def test_the_stream_of_a_post_begins_before_any_worker_takes_it(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    async with client.stream("POST", f"{conversation}/message", json={"content": "Why?"}) as response:
        lines = response.aiter_lines()
        while await anext(lines) != "event: queued":
            pass
        run_id = response.headers["x-run-id"]
        assert response.headers["content-type"].startswith("text/event-stream")
        answering = asyncio.create_task(answer(worker, run_id))
        assert "event: end" in [line async for line in lines]
        await answering


async def test_a_whole_answer_is_waited_for(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    waiting = asyncio.create_task(
        client.post(f"{conversation}/message", params={"stream": "false"}, json={"content": "Why?"})
    )
    session = await wait_until_async(lambda: _ok(client, f"{conversation}/active-session"))
    await answer(worker, session["runId"])
    whole = (await waiting).json()
    assert whole["message"] == (await client.get(f"{conversation}/messages")).json()[1]["content"]


async def _ok(client: httpx2.AsyncClient, path: str) -> dict[str, str] | None:
    response = await client.get(path)
    return response.json() if response.status_code == 200 else None


async def test_a_form_is_taken_as_well(client: httpx2.AsyncClient, conversation: str) -> None:
    response = await client.post(
        f"{conversation}/message", params={"background": "true"}, files={"content": (None, "Why?")}
    )
    assert response.status_code == 202


async def test_a_second_question_waits_for_the_first(client: httpx2.AsyncClient, conversation: str) -> None:
    first = (await ask(client, conversation)).json()
    second = await ask(client, conversation)
    assert second.status_code == 409
    assert second.json()["run_id"] == first["run_id"]


async def test_a_hundred_posts_with_one_key_are_one_run(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    responses = await asyncio.gather(
        *(ask(client, conversation, **{"idempotency-key": "once"}) for _ in range(100))
    )
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["run_id"] for response in responses}) == 1
    with engine.connect() as connection:
        assert len(connection.execute(select(Message)).all()) == 1
        assert len(connection.execute(select(Run)).all()) == 1


async def test_parallel_questions_are_one_answer(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    responses = await asyncio.gather(*(ask(client, conversation) for _ in range(20)))
    assert sorted(response.status_code for response in responses) == [202] + [409] * 19
    with engine.connect() as connection:
        assert len(connection.execute(select(Message)).all()) == 1
        assert len(connection.execute(select(OutboxEntry)).all()) == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [("", 422), (" \n\t ", 422), ("x" * 100_000, 413), ("x" * 2_000_000, 413), ("\x00", 422)],
)
async def test_a_bad_question_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, content: str, status: int
) -> None:
    response = await ask(client, conversation, content)
    assert response.status_code == status
    assert response.json()["detail"]
    with engine.connect() as connection:
        assert connection.execute(select(Run)).all() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"content": 3}', b"\xff\xfe", b'{"contents": "x"}'])
async def test_a_broken_body_is_refused(client: httpx2.AsyncClient, conversation: str, body: bytes) -> None:
    response = await client.post(f"{conversation}/message", content=body)
    assert response.status_code == 422


async def test_a_repository_without_an_index_is_not_asked(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(update(Project).values(indexed_at=None, repo_name="o/n", branch_name="next"))
    response = await ask(client, conversation)
    assert response.status_code == 409
    assert response.json()["detail"].startswith("o/n@next is still being indexed")


async def test_a_strangers_conversation_is_an_unknown_one(
    base_url: str, conversation: str, engine: Engine, project_id: UUID
) -> None:
    token = issue_bearer_token(engine, make_user(engine, "stranger@example.org"), "test")
    unknown = f"/api/v1/conversations/{new_uuid()}"
    async with client_of(base_url, token) as stranger:
        for method, path, body in (
            ("GET", "/info", None),
            ("GET", "/messages", None),
            ("GET", "/active-session", None),
            ("POST", "/message", {"content": "Why?"}),
            ("GET", f"/messages/{new_uuid()}", None),
            ("POST", "/regenerate", None),
            ("POST", "/regenerate?if_busy=rollback", None),
            ("POST", "/stop", None),
            ("PATCH", "/rename", {"title": "mine"}),
            ("DELETE", "", None),
        ):
            foreign = await stranger.request(method, conversation + path, json=body)
            nothing = await stranger.request(method, unknown + path, json=body)
            assert foreign.status_code == nothing.status_code == 404, path
            assert foreign.content == nothing.content
        begun = await stranger.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
        assert begun.status_code == 404
        assert (await stranger.get("/api/v1/conversations")).json() == []


async def test_a_stop_keeps_what_was_said(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    asked = (await ask(client, conversation)).json()
    receipt = (await client.post(f"{conversation}/stop")).json()
    assert (receipt["status"], receipt["run_id"]) == ("cancelled", asked["run_id"])
    assert (await client.post(f"{conversation}/stop")).json() == receipt
    await answer(worker, asked["run_id"])
    assert [message["type"] for message in (await client.get(f"{conversation}/messages")).json()] == ["HUMAN"]
    assert (await ask(client, conversation)).status_code == 202


async def test_a_conversation_is_renamed_listed_and_deleted(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    assert (await client.patch(f"{conversation}/rename", json={"title": "  Start-up "})).status_code == 204
    assert (await client.patch(f"{conversation}/rename", json={"title": " "})).status_code == 422
    listed = (await client.get("/api/v1/conversations")).json()
    assert [(row["title"], row["repository"]) for row in listed] == [("Start-up", "empty")]
    assert (await client.delete(conversation)).status_code == 204
    assert (await client.get(f"{conversation}/info")).status_code == 404


async def test_the_repositories_that_are_left_are_named_in_their_order(
    client: httpx2.AsyncClient, engine: Engine, project_id: UUID
) -> None:
    with Session(engine) as session, session.begin():
        project = session.get_one(Project, project_id)
        kept = ("user_id", "status", "branch_name", "files", "symbols", "indexed_at")
        same = {name: getattr(project, name) for name in kept}
        ids = [project_id]
        for name in ("zeta", "alpha"):
            ids.insert(0, new_uuid())
            session.add(Project(id=ids[0], source=f"/{name}", repo_name=name, **same))
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(one) for one in ids]})
    info = f"/api/v1/conversations/{begun.json()['conversation_id']}/info"
    seen = []
    for removed in (None, *ids):
        with engine.begin() as connection:
            connection.execute(delete(Project).where(Project.id == removed))
        (listed,) = (await client.get("/api/v1/conversations")).json()
        told = (await client.get(info)).json()
        assert all(told[name] == listed[name] for name in ("repository", "repositories"))
        seen.append((told["repository"], told["repositories"]))
    assert seen == [
        ("alpha", ["alpha", "zeta", "empty"]),
        (None, ["zeta", "empty"]),
        (None, ["empty"]),
        (None, []),
    ]


async def test_what_was_asked_in_a_deleted_conversation_is_kept_nowhere(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    asked = (await ask(client, conversation)).json()
    assert [row["run_id"] for row in (await client.get("/api/v1/runs")).json()] == [asked["run_id"]]
    assert (await client.delete(conversation)).status_code == 204
    assert (await client.get("/api/v1/runs")).json() == []
    assert (await client.get(f"/api/v1/runs/{asked['run_id']}/events")).status_code == 404
    with engine.connect() as connection:
        for table in (Run, RunEvent, Message):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


async def test_what_is_answered_while_its_conversation_is_deleted_is_kept_nowhere(
    client: httpx2.AsyncClient,
    conversation: str,
    worker: WorkerResources,
    engine: Engine,
    sync_redis: SyncRedis,
) -> None:
    async with fake_model_server(hangs_after(text("half"))) as server:
        worker.settings.model, worker.settings.model_base_url = "served-model", server.base_url
        asked = (await ask(client, conversation)).json()
        answering = asyncio.create_task(answer(worker, asked["run_id"]))
        await server.waiting.wait()
        async with client.stream("GET", f"/api/v1/runs/{asked['run_id']}/events") as reading:
            assert (await client.delete(conversation)).status_code == 204
            await answering
            await reading.aread()  # It closes, whether or not the end came before the right to read was gone.
    assert (await client.get("/api/v1/runs")).json() == []
    with engine.connect() as connection:
        for table in (Run, RunEvent, Message):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
    assert list(sync_redis.scan_iter("run:*")) == []


async def test_who_waits_for_an_answer_that_is_deleted_is_told_that_there_is_none(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    waiting = asyncio.create_task(
        client.post(f"{conversation}/message?stream=false", json={"content": "Why?"})
    )
    await wait_until_async(lambda: newest_run(engine) is not None)
    drop_runs_as_they_end(engine)
    await answer(worker, str(newest_run(engine)))
    assert (await waiting).status_code == 404


async def test_a_stop_of_an_answer_that_is_deleted_is_told_that_there_is_none(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    drop_runs_as_they_end(engine)
    async with fake_model_server(hangs_after(text("half"))) as server:
        worker.settings.model, worker.settings.model_base_url = "served-model", server.base_url
        run_id = (await ask(client, conversation)).json()["run_id"]
        answering = asyncio.create_task(answer(worker, run_id))
        await server.waiting.wait()
        stopped = await client.post(f"/api/v1/runs/{run_id}/stop")
        await answering
    assert stopped.status_code == 404


def newest_run(engine: Engine) -> UUID | None:
    with engine.connect() as connection:
        return connection.scalar(select(Run.id))


def drop_runs_as_they_end(engine: Engine) -> None:
    """As if their conversation was deleted in that moment."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION drop_run() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN DELETE FROM runs WHERE id = NEW.id; RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER drop_run AFTER UPDATE ON runs DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION drop_run()"
        )


async def test_a_conversation_without_an_agent_is_refused(
    client: httpx2.AsyncClient, project_id: UUID, engine: Engine
) -> None:
    new = {"project_ids": [str(project_id)], "agent_ids": []}
    assert (await client.post("/api/v1/conversations", json=new)).status_code == 422
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    with engine.begin() as connection:  # As an older release let it be stored.
        connection.execute(update(Conversation).values(agent_ids=[]))
    assert (await ask(client, f"/api/v1/conversations/{begun.json()['conversation_id']}")).status_code == 202


async def test_more_tabs_than_connections_ask_for_the_active_session(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    await ask(client, conversation)
    responses = await asyncio.gather(*(client.get(f"{conversation}/active-session") for _ in range(60)))
    assert {response.status_code for response in responses} == {200}


async def test_deleting_while_the_answer_ends_is_no_deadlock(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    """The end locks its run, then needs the conversation for the message: deleting has to take them in that order."""
    asked = (await ask(client, conversation)).json()
    with engine.begin() as connection:
        connection.execute(update(Run).values(status="running", attempt=1))
    with engine.connect() as worker_side:
        worker_side.execute(select(Run.id).where(Run.id == UUID(asked["run_id"])).with_for_update())
        deleting = asyncio.create_task(client.delete(conversation))
        await wait_until_async(lambda: waiting_for_locks(engine))
        conversation_id = UUID(conversation.rpartition("/")[2])
        await asyncio.to_thread(
            worker_side.execute,
            Message.__table__.insert().values(
                id=new_uuid(), conversation_id=conversation_id, type="AI_GENERATED", content="the end", turn=1,
                citations=[], tool_calls=[], created_at=now(),
            ),
        )  # fmt: skip
        worker_side.commit()
    assert (await deleting).status_code == 204


async def test_what_is_deleted_meanwhile_is_not_there_to_be_renamed(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    with engine.begin() as nobody_is_done:
        nobody_is_done.exec_driver_sql("LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE")
        deleting = asyncio.create_task(client.delete(conversation))
        await wait_until_async(lambda: waiting_for_locks(engine) == 1)
        renaming = asyncio.create_task(client.patch(f"{conversation}/rename", json={"title": "Mine"}))
        await wait_until_async(lambda: waiting_for_locks(engine) == 2)
    assert ((await deleting).status_code, (await renaming).status_code) == (204, 404)


@pytest.mark.parametrize("bad", ["nul \x00 inside", "\ud800"])
async def test_text_that_cannot_be_stored_is_refused(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID, bad: str
) -> None:
    async def status(method: str, path: str, body: dict[str, object]) -> int:
        response = await client.request(
            method, path, content=json.dumps(body), headers={"content-type": "application/json"}
        )
        return response.status_code

    new = {"project_ids": [str(project_id)]}
    assert await status("PATCH", f"{conversation}/rename", {"title": bad}) == 422
    assert await status("POST", "/api/v1/conversations", {**new, "title": bad}) == 422
    assert await status("POST", "/api/v1/conversations", {**new, "agent_ids": [bad]}) == 422
    assert await status("POST", "/api/v1/parse", {"repo_name": "o/n", "branch_name": bad}) == 422
    assert await status("POST", "/api/v1/parse", {"repo_path": f"/{bad}"}) == 422


async def test_a_file_whose_path_holds_a_nul_is_refused(client: httpx2.AsyncClient, project_id: UUID) -> None:
    assert (await client.get(f"/api/v1/projects/{project_id}/file?path=a%00b")).status_code == 422


MALFORMED_FORMS = [
    ("multipart/form-data", b"x", "boundary"),
    ("multipart/form-data; boundary=b", b"x", "multipart"),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="content"; filename="f"\r\n\r\nWhy?\r\n--b--\r\n',
        "files",
    ),
    (
        "multipart/form-data; boundary=b; charset=undefined",
        b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nWhy?\r\n--b--\r\n',
        "charset",
    ),
]


@pytest.mark.parametrize(("content_type", "body", "words"), MALFORMED_FORMS)
async def test_a_form_that_cannot_be_read_is_refused_in_words(
    client: httpx2.AsyncClient, conversation: str, content_type: str, body: bytes, words: str
) -> None:
    headers = {"content-type": content_type}
    refused = await client.post(f"{conversation}/message", content=body, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    assert words in refused.json()["detail"]


NO_QUESTIONS = [
    (b"", {}, "no JSON"),
    (b"{", {}, "no JSON"),
    (b"[" * 200_000, {}, "no JSON"),
    (b"content=Why", {}, "no JSON"),
    (b'{"content": "\xff"}', {}, "no JSON"),
    (gzip.compress(b'{"content": "Why?"}'), {"content-encoding": "gzip"}, "gzip"),
]


@pytest.mark.parametrize(("body", "headers", "words"), NO_QUESTIONS)
async def test_a_body_without_a_question_is_refused_in_words(
    client: httpx2.AsyncClient, conversation: str, body: bytes, headers: dict[str, str], words: str
) -> None:
    refused = await client.post(f"{conversation}/message", content=body, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    assert words in refused.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"content": 1}, {"content": None}, []])
async def test_a_question_that_fits_no_schema_is_refused_with_its_places(
    client: httpx2.AsyncClient, conversation: str, body: object
) -> None:
    refused = await client.post(f"{conversation}/message", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["what"] in refused.json()["detail"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_half_a_surrogate_pair_in_a_question_is_replaced(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID, encoding: str
) -> None:
    body = json.dumps({"content": "one \ud800 of \x00two \U0001f600"}).encode(encoding)
    headers = {"content-type": "application/json"}
    asked = await client.post(f"{conversation}/message?background=true", content=body, headers=headers)
    assert asked.status_code == 202
    messages = (await client.get(f"{conversation}/messages")).json()
    assert messages[0]["content"] == "one \ufffd of two \U0001f600"


async def test_a_forms_type_may_be_spelled_in_capitals(client: httpx2.AsyncClient, conversation: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nWhy?\r\n--b--\r\n'
    headers = {"content-type": "Multipart/Form-Data; boundary=b"}
    asked = await client.post(f"{conversation}/message?background=true", content=body, headers=headers)
    assert asked.status_code == 202
