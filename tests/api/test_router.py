"""The API for programs: the same verbs by another key, and no other key opens it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine
from tests.conversations.test_session_service import perform
from tests.support.asking import answer
from tests.support.live_api import client_of, events_of
from tests.support.stories import make_user
from tests.support.waiting import wait_until_async

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid

VERSIONED = ("/projects", "/parse", "/parsing-status", "/search", "/conversations", "/runs")


async def new_key(client: httpx2.AsyncClient, *scopes: str) -> str:
    body = {"name": "a program", **({"scopes": list(scopes)} if scopes else {})}
    response = await client.post("/api/v1/api-keys", json=body)
    assert response.status_code == 201, response.text
    return str(response.json()["key"])


@pytest.fixture
async def program(client: httpx2.AsyncClient, base_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"x-api-key": await new_key(client)}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20) as program:
        yield program


@pytest.fixture
async def begun(program: httpx2.AsyncClient, project_id: UUID) -> str:
    """A conversation's path under v2."""
    response = await program.post("/api/v2/conversations/", json={"project_ids": [str(project_id)]})
    assert response.status_code == 201, response.text
    return f"/api/v2/conversations/{response.json()['conversation_id']}"


async def test_both_versions_have_the_same_verbs(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    verbs: dict[str, set[tuple[str, str]]] = {"/api/v1": set(), "/api/v2": set()}
    for path, methods in document["paths"].items():
        version, rest = path[:7], path[7:]
        if version in verbs and rest.startswith(VERSIONED):
            verbs[version] |= {(method, rest) for method in methods}
    assert verbs["/api/v1"] == verbs["/api/v2"]
    assert len(verbs["/api/v2"]) > 20
    assert "/api/v2/project/{project_id}/message" in document["paths"]
    assert not any("api-keys" in path for path in document["paths"] if path.startswith("/api/v2"))


@pytest.mark.parametrize(
    ("method", "path", "methods"),
    [
        ("PUT", "/conversations", "GET, POST"),
        ("GET", "/conversations/share", "DELETE, POST"),
        ("HEAD", "/runs", "GET"),
    ],
)
async def test_a_method_that_a_path_has_not_is_answered_with_those_that_it_has(
    client: httpx2.AsyncClient, method: str, path: str, methods: str
) -> None:
    for version in ("/api/v1", "/api/v2"):
        refused = await client.request(method, version + path)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)


async def test_a_program_asks_polls_resumes_and_reads(
    program: httpx2.AsyncClient, begun: str, worker: WorkerResources
) -> None:
    query = {"background": "true", "session_id": "bot"}
    asked = (await program.post(f"{begun}/message/", params=query, json={"content": "Why?"})).json()
    assert asked["session_id"] == "bot"
    assert (await program.get(f"{begun}/task-status")).json()["status"] == "queued"
    assert (await program.get(f"{begun}/active-session/")).json()["sessionId"] == "bot"
    await perform(worker, asked["run_id"], "Because.")
    events = events_of((await program.post(f"{begun}/resume/bot/?cursor=1-1")).text)
    assert [kind for _, kind, _ in events] == ["started", "text", "end"]
    assert events_of((await program.get(f"/api/v2/runs/{asked['run_id']}/events?after=1")).text) == events
    assert (await program.get(f"{begun}/info")).json()["title"] == "Why?"
    question, *_ = (await program.get(f"{begun}/messages/")).json()
    assert (question["type"], question["content"]) == ("HUMAN", "Why?")
    assert (await program.post(f"{begun}/stop")).json()["status"] == "completed"
    assert (await program.patch(f"{begun}/rename/", json={"title": "Mine"})).status_code == 204
    assert [row["title"] for row in (await program.get("/api/v2/conversations/")).json()] == ["Mine"]
    assert (await program.delete(begun)).status_code == 204


async def test_a_program_streams_its_answer(
    program: httpx2.AsyncClient, begun: str, worker: WorkerResources
) -> None:
    async with program.stream("POST", f"{begun}/message", json={"content": "Why?"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        performing = asyncio.create_task(perform(worker, response.headers["x-run-id"], "Because."))
        events = events_of((await response.aread()).decode())
        await performing
    assert [kind for _, kind, _ in events] == ["queued", "started", "text", "end"]


async def test_a_project_is_asked_in_one_call(
    program: httpx2.AsyncClient, project_id: UUID, worker: WorkerResources
) -> None:
    waiting = asyncio.create_task(
        program.post(f"/api/v2/project/{project_id}/message/", json={"content": "Why?"})
    )

    async def asked() -> str | None:
        runs = (await program.get("/api/v2/runs")).json()
        return str(runs[0]["run_id"]) if runs else None

    await answer(worker, await wait_until_async(asked))
    whole = await waiting
    assert whole.status_code == 200
    messages = f"/api/v2/conversations/{whole.headers['x-conversation-id']}/messages"
    assert (await program.get(messages)).json()[1]["content"] == whole.json()["message"]
    streamed = await program.post(
        f"/api/v2/project/{project_id}/message", params={"background": "true"}, json={"content": "Why?"}
    )
    conversation = streamed.headers["x-conversation-id"]
    assert (await program.get(f"/api/v2/conversations/{conversation}/task-status")).json()["isActive"]


async def test_a_question_that_a_program_repeats_is_the_same_one(
    program: httpx2.AsyncClient, project_id: UUID
) -> None:
    async def post(asker: httpx2.AsyncClient, key: str) -> tuple[int, str, str]:
        response = await asker.post(
            f"/api/v2/project/{project_id}/message",
            params={"background": "true"},
            json={"content": "Why?"},
            headers={"idempotency-key": key},
        )
        return response.status_code, response.headers["x-conversation-id"], response.json()["run_id"]

    at_once = await asyncio.gather(*(post(program, "a") for _ in range(5)))
    assert {status for status, *_ in at_once} == {202}
    assert {*at_once, await post(program, "a")} == {at_once[0]}
    assert (await post(program, "b"))[1:] != at_once[0][1:]
    assert len((await program.get("/api/v2/runs")).json()) == 2


async def test_a_repository_is_found_by_the_words_that_it_was_added_by(
    program: httpx2.AsyncClient, base_url: str, engine: Engine
) -> None:
    wanted = {"repo_name": "https://github.com/encode/starlette", "branch_name": "main"}
    added = (await program.post("/api/v2/parse/", json=wanted)).json()
    found = await program.post("/api/v2/parsing-status/", json=wanted)
    assert (found.json()["id"], found.json()["run_id"]) == (added["project_id"], added["run_id"])
    short = await program.post("/api/v2/parsing-status", json={**wanted, "repo_name": "encode/starlette"})
    assert short.json() == found.json()
    for other in ({"branch_name": "other"}, {"repo_name": "encode/httpx"}):
        assert (await program.post("/api/v2/parsing-status", json={**wanted, **other})).status_code == 404
    token = issue_bearer_token(engine, make_user(engine, "stranger@example.org"), "test")
    async with client_of(base_url, token) as stranger:
        assert (await stranger.post("/api/v1/parsing-status", json=wanted)).status_code == 404


async def test_projects_are_listed_and_searched(program: httpx2.AsyncClient, project_id: UUID) -> None:
    assert [row["id"] for row in (await program.get("/api/v2/projects/list/")).json()] == [str(project_id)]
    assert (await program.get(f"/api/v2/parsing-status/{project_id}")).json()["status"] == "ready"
    found = await program.post("/api/v2/search", json={"project_id": str(project_id), "query": "start"})
    assert found.json() == {"results": []}


@pytest.mark.parametrize("key", [None, "", "sk-", "sk-" + "0" * 64, "rr_wrong", "sk-" + "G" * 64, "é"])
async def test_a_wrong_key_opens_nothing(base_url: str, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key.encode()}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers) as nobody:
        response = await nobody.get("/api/v2/projects/list")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "ApiKey"
    assert response.json()["type"] == "/problems/invalid-api-key"


async def test_neither_version_takes_the_keys_of_the_other(
    client: httpx2.AsyncClient, program: httpx2.AsyncClient
) -> None:
    assert (await client.get("/api/v2/projects/list")).status_code == 401
    refused = await program.get("/api/v1/projects/list")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_key_sees_what_its_owner_sees(
    program: httpx2.AsyncClient, base_url: str, engine: Engine, begun: str
) -> None:
    stranger = make_user(engine, "stranger@example.org")
    bearer = {"authorization": f"Bearer {issue_bearer_token(engine, stranger, 'test')}"}
    async with httpx2.AsyncClient(base_url=base_url, headers=bearer) as signed_in:
        key = await new_key(signed_in)
    async with httpx2.AsyncClient(base_url=base_url, headers={"x-api-key": key}) as foreigner:
        foreign = await foreigner.get(f"{begun}/info")
        unknown = await foreigner.get(f"/api/v2/conversations/{new_uuid()}/info")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


async def test_a_key_is_good_for_its_scopes_alone(
    client: httpx2.AsyncClient, base_url: str, project_id: UUID, begun: str
) -> None:
    body = {"project_ids": [str(project_id)]}
    search = {"project_id": str(project_id), "query": "start"}
    for scope, may_look, unknown, may_write in (("read", 200, 404, 403), ("write", 403, 403, 201)):
        async with httpx2.AsyncClient(
            base_url=base_url, headers={"x-api-key": await new_key(client, scope)}
        ) as program:
            assert (await program.get(f"{begun}/info")).status_code == may_look
            assert (await program.post("/api/v2/search", json=search)).status_code == may_look
            assert (await program.post(f"{begun}/resume/unknown")).status_code == unknown
            asked = await program.post("/api/v2/parsing-status", json={"repo_name": "o/unknown"})
            assert asked.status_code == unknown
            written = await program.post("/api/v2/conversations", json=body)
            assert written.status_code == may_write
            if may_write == 403:
                assert written.json()["scope"] == "write"
