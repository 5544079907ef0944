"""Limits and usage over HTTP: what is refused, what is given back, and what people and administrators are shown."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import Engine, insert, update
from tests.support.accounts import make_person
from tests.support.asking import answer, ask, regenerate, says, says_and_fails
from tests.support.live_api import client_of
from tests.support.run_reading import expire_lease
from tests.support.usage_ledger import assert_balanced, assert_ended_with_their_runs, entries, states

from riverrun.conversations.models import Conversation
from riverrun.infra.plans import Plan
from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.attempt import Attempt
from riverrun.usage.models import UsageEntry
from riverrun.users.models import User
from riverrun.users.organisations import Organisation

USAGE = "/api/v1/usage"
CROWD = 200


@pytest.fixture
def settings(settings: Settings) -> Settings:
    plans = {"default": Plan(questions_per_day=3), "crowd": Plan(questions_per_month=5)}
    return settings.model_copy(update={"plans": plans})


@pytest.fixture
def administrator(engine: Engine, user_id: UUID, client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The same client, whose user runs the server."""
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == user_id).values(is_administrator=True))
    return client


async def usage(client: httpx2.AsyncClient, **params: Any) -> dict[str, Any]:
    response = await client.get(USAGE, params=params)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def asked(client: httpx2.AsyncClient, conversation: str, **options: Any) -> str:
    """The run of a question that is accepted."""
    response = await ask(client, conversation, **options)
    assert response.status_code == 202, response.text
    run_id: str = response.json()["run_id"]
    return run_id


async def use_up(client: httpx2.AsyncClient, conversation: str) -> None:
    for _ in range(3):
        await asked(client, conversation, if_busy="enqueue")


def make_conversations(engine: Engine, user_id: UUID, project_id: UUID, number: int) -> list[str]:
    rows = [
        {"id": new_uuid(), "user_id": user_id, "title": "t", "project_ids": [project_id], "agent_ids": ["a"]}
        for _ in range(number)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Conversation), rows)
    return [f"/api/v1/conversations/{row['id']}" for row in rows]


async def test_a_question_beyond_the_day_is_429_and_says_when_to_come_back(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await use_up(client, conversation)
    refused = await ask(client, conversation, if_busy="enqueue")
    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (429, "/problems/too-many-questions")
    assert (problem["limit"], problem["used"], problem["rest"]) == (3, 3, 0)
    assert (problem["holder"], problem["measure"], problem["period"]) == ("user", "questions", "day")
    resets_at = datetime.fromisoformat(problem["resets_at"])
    assert resets_at.time().isoformat() == "00:00:00"
    waits = timedelta(seconds=int(refused.headers["retry-after"]))
    assert timedelta() <= now() + waits - resets_at < timedelta(minutes=1)
    assert len(entries(engine)) == 3


async def test_a_used_up_day_begins_no_conversation_and_repeats_no_answer(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> None:
    await use_up(client, conversation)
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    assert begun.status_code == 429
    assert (await regenerate(client, conversation, if_busy="enqueue")).status_code == 429


async def test_beginning_conversations_takes_nothing(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> None:
    for _ in range(5):
        begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
        assert begun.status_code == 201
    assert (await usage(client))["questions"] == 0


async def test_a_refused_question_interrupts_nobody_and_leaves_nothing(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    await use_up(client, conversation)
    assert (await ask(client, conversation, if_busy="rollback")).status_code == 429
    shown = (await client.get(f"{conversation}/messages")).json()
    assert len(shown) == 3
    assert states(engine) == {"reserved": 3}
    assert_ended_with_their_runs(engine)


async def test_of_two_hundred_questions_at_once_for_the_last_place_exactly_one_passes(
    administrator: httpx2.AsyncClient, engine: Engine, user_id: UUID, project_id: UUID
) -> None:
    client = administrator
    laid_down = await client.put(
        f"{USAGE}/limits/user/{user_id}", json={"plan": "crowd", "questions_per_day": 500}
    )
    assert laid_down.status_code == 204
    first, *others = make_conversations(engine, user_id, project_id, CROWD + 4)
    for conversation in (first, *others[:3]):
        await asked(client, conversation)
    found = await asyncio.gather(*(ask(client, conversation) for conversation in others[3:]))
    codes = [response.status_code for response in found]
    assert (len(codes), codes.count(202), codes.count(402)) == (CROWD, 1, CROWD - 1)
    problem = next(response.json() for response in found if response.status_code == 402)
    assert (problem["type"], problem["limit"]) == ("/problems/usage-limit-reached", 5)
    assert (await usage(client))["questions"] == 5
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)


async def test_an_answer_counts_with_what_the_model_reports_and_asking_again_counts_again(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    first = await asked(client, conversation)
    assert (await usage(client))["tokens"] == worker.settings.tokens_per_question
    await answer(worker, first)
    once = await usage(client)
    assert 0 < once["tokens"] != worker.settings.tokens_per_question
    again = (await regenerate(client, conversation)).json()["run_id"]
    await answer(worker, again)
    twice = await usage(client)
    assert (twice["total_human_messages"], twice["questions"]) == (1, 2)
    assert twice["tokens"] > once["tokens"]
    assert twice["agent_message_counts"] == {"codebase_qna_agent": 1}
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)


async def test_a_repeated_post_counts_once(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    key = {"idempotency-key": str(uuid4())}
    runs = {(await ask(client, conversation, **key)).json()["run_id"] for _ in range(5)}
    assert len(runs) == 1
    assert (await usage(client))["questions"] == 1
    assert_balanced(engine)


async def test_a_question_for_a_program_counts_on_its_key(
    client: httpx2.AsyncClient, base_url: str, project_id: UUID, engine: Engine
) -> None:
    made = (await client.post("/api/v1/api-keys", json={"name": "program"})).json()
    async with httpx2.AsyncClient(
        base_url=base_url, headers={"x-api-key": made["key"]}, timeout=20
    ) as program:
        answered = await program.post(
            f"/api/v2/project/{project_id}/message", params={"background": "true"}, json={"content": "Why?"}
        )
        assert answered.status_code == 202
        assert (await program.get("/api/v2/usage/usage")).json()["questions"] == 1
    [entry] = entries(engine).values()
    assert str(entry.api_key_id) == made["id"]


async def test_a_stop_before_a_worker_came_gives_the_question_back(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await asked(client, conversation)
    assert (await client.post(f"{conversation}/stop")).json()["status"] == "cancelled"
    assert states(engine) == {"released": 1}
    shown = await usage(client)
    assert (shown["questions"], shown["tokens"]) == (0, 0)
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)


async def test_a_stop_of_a_run_whose_worker_is_gone_counts_what_was_recorded(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    run_id = await asked(client, conversation)
    await answer(worker, run_id, _says_and_vanishes(engine, UUID(run_id), "x" * 96))
    await client.post(f"{conversation}/stop")
    shown = await usage(client)
    assert (shown["questions"], shown["tokens"]) == (1, (len("Why?") + 96) // 4)
    assert_ended_with_their_runs(engine)


def _says_and_vanishes(engine: Engine, run_id: UUID, text: str) -> Any:
    """Work of a worker that is fenced after its words were recorded."""

    def work(attempt: Attempt) -> None:
        says(text)(attempt)
        attempt.__exit__()
        attempt._beat()
        expire_lease(engine, run_id)
        attempt._fenced.set()
        attempt.check()

    return work


async def test_an_error_before_a_word_of_the_model_gives_the_question_back(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    await answer(worker, await asked(client, conversation), says_and_fails())
    assert states(engine) == {"released": 1}
    assert_ended_with_their_runs(engine)


@pytest.mark.parametrize("if_busy", ["interrupt", "rollback"])
async def test_what_makes_way_before_it_was_begun_is_given_back(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, if_busy: str
) -> None:
    for _ in range(10):
        await asked(client, conversation, if_busy=if_busy)
    assert states(engine) == {"released": 9, "reserved": 1}
    assert (await usage(client))["questions"] == 1
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)


async def test_deleting_a_conversation_gives_nothing_back(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    await answer(worker, await asked(client, conversation))
    before = await usage(client)
    assert (await client.delete(conversation)).status_code == 204
    assert await usage(client) == before
    assert_balanced(engine)


async def test_deleting_a_conversation_under_an_answer_settles_it(
    client: httpx2.AsyncClient, conversation: str, engine: Engine, worker: WorkerResources
) -> None:
    run_id = await asked(client, conversation)
    loop = asyncio.get_running_loop()

    def work(attempt: Attempt) -> None:
        says("some words")(attempt)
        deleted = asyncio.run_coroutine_threadsafe(client.delete(conversation), loop).result(20)
        assert deleted.status_code == 204
        attempt.check()

    await answer(worker, run_id, work)
    assert states(engine) == {"settled": 1}
    assert_balanced(engine)
    assert_ended_with_their_runs(engine)


async def test_usage_is_of_the_days_that_are_asked_for(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await use_up(client, conversation)
    today = now().date()
    for number, run_id in enumerate(entries(engine)):
        with engine.begin() as connection:
            day = today - timedelta(days=10 * number)
            connection.execute(update(UsageEntry).where(UsageEntry.run_id == run_id).values(asked_on=day))
    ten_days = {"start_date": str(today - timedelta(days=10)), "end_date": str(today)}
    assert (await usage(client, **ten_days))["questions"] == 2
    one_day = {"start_date": str(today - timedelta(days=20)), "end_date": str(today - timedelta(days=20))}
    assert (await usage(client, **one_day))["questions"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"start_date": "2026-03-02", "end_date": "2026-03-01"},
        {"start_date": "2020-01-01", "end_date": "2026-03-01"},
        {"start_date": "yesterday"},
        {"start_date": "0", "end_date": "0"},
        {"start_date": "2025-03-01", "end_date": "2026-03-02"},
    ],
)
async def test_a_range_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, params: dict[str, str]
) -> None:
    assert (await client.get(USAGE, params=params)).status_code == 422


async def test_a_range_has_366_days_at_most_its_ends_included(client: httpx2.AsyncClient) -> None:
    longest = {"start_date": "2025-03-01", "end_date": "2026-03-01"}
    assert (await client.get(USAGE, params=longest)).status_code == 200


async def test_the_limits_are_shown_with_what_is_left(client: httpx2.AsyncClient, conversation: str) -> None:
    await asked(client, conversation)
    shown = await usage(client)
    assert shown["plan"] == "default"
    [limit] = shown["limits"]
    assert (limit["measure"], limit["period"], limit["limit"], limit["used"], limit["rest"]) == (
        "questions",
        "day",
        3,
        1,
        2,
    )


async def test_an_administrator_sees_totals_and_lays_limits_down(
    administrator: httpx2.AsyncClient, conversation: str, base_url: str, engine: Engine
) -> None:
    person = make_person(engine, "ana@example.org")
    await asked(administrator, conversation)
    [totals] = (await administrator.get(f"{USAGE}/users")).json()
    assert (totals["email"], totals["questions"]) == ("someone@example.org", 1)
    path = f"{USAGE}/limits/user/Ana@example.org"
    assert (await administrator.put(path, json={"questions_per_day": 7})).status_code == 204
    assert (await administrator.put(path, json={"tokens_per_month": 9})).status_code == 204
    [limit] = (await administrator.get(f"{USAGE}/limits")).json()
    assert (limit["name"], limit["questions_per_day"], limit["tokens_per_month"]) == (person.email, None, 9)
    async with client_of(base_url, person.token) as ana:
        assert {one["limit"] for one in (await usage(ana))["limits"]} == {3, 9}
        assert (await administrator.delete(path)).status_code == 204
        assert {one["limit"] for one in (await usage(ana))["limits"]} == {3}


async def test_keys_and_organisations_have_limits_by_their_ids(
    administrator: httpx2.AsyncClient, engine: Engine
) -> None:
    key = (await administrator.post("/api/v1/api-keys", json={"name": "nightly"})).json()
    team = new_uuid()
    with engine.begin() as connection:
        connection.execute(insert(Organisation).values(id=team, name="A team"))
    for path in (f"key/{key['id']}", f"organisation/{team}"):
        laid_down = await administrator.put(f"{USAGE}/limits/{path}", json={"questions_per_day": 7})
        assert laid_down.status_code == 204
    found = (await administrator.get(f"{USAGE}/limits")).json()
    assert [(one["holder"], one["name"]) for one in found] == [("key", "nightly"), ("organisation", "A team")]


async def test_the_limit_of_a_holder_that_is_gone_is_taken_away_by_its_id(
    administrator: httpx2.AsyncClient,
) -> None:
    team = (await administrator.post("/api/v1/organisations", json={"name": "A team"})).json()["id"]
    path = f"{USAGE}/limits/organisation/{team}"
    assert (await administrator.put(path, json={"questions_per_day": 7})).status_code == 204
    assert (await administrator.delete(f"/api/v1/organisations/{team}")).status_code == 204
    assert [one["name"] for one in (await administrator.get(f"{USAGE}/limits")).json()] == [""]
    for _ in range(2):
        assert (await administrator.delete(path)).status_code == 204
    assert (await administrator.get(f"{USAGE}/limits")).json() == []
    nobody = await administrator.delete(f"{USAGE}/limits/user/nobody@example.org")
    assert nobody.status_code == 404


async def test_an_administrators_key_administers_only_if_it_was_made_to(
    administrator: httpx2.AsyncClient, base_url: str, engine: Engine
) -> None:
    for scopes, looks, sets in (
        (["read", "write"], 403, 403),
        (["read", "administer"], 200, 403),
        (["read", "write", "administer"], 200, 204),
    ):
        made = await administrator.post("/api/v1/api-keys", json={"name": "nightly", "scopes": scopes})
        headers = {"x-api-key": made.json()["key"]}
        async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20) as program:
            for path in ("/api/v2/usage/limits", "/api/v2/usage/users"):
                assert (await program.get(path)).status_code == looks, scopes
            limit = f"/api/v2/usage/limits/key/{made.json()['id']}"
            assert (await program.put(limit, json={"questions_per_day": 7})).status_code == sets, scopes
            assert (await program.get("/api/v2/usage")).status_code == 200
    ana = make_person(engine, "ana@example.org")
    async with client_of(base_url, ana.token) as client:
        refused = await client.post("/api/v1/api-keys", json={"name": "k", "scopes": ["administer"]})
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("user/nobody@example.org", {}, 404),
        (f"user/{uuid4()}", {}, 404),
        (f"key/{uuid4()}", {}, 404),
        ("organisation/someone@example.org", {}, 404),
        ("team/someone@example.org", {}, 422),
        ("user/someone@example.org", {"plan": "gold"}, 422),
        ("user/someone@example.org", {"questions_per_day": -1}, 422),
        ("user/someone@example.org", {"questions_per_day": 2**63}, 422),
        ("user/someone@example.org", {"questions_a_day": 1}, 422),
    ],
)
async def test_a_limit_that_makes_no_sense_is_refused(
    administrator: httpx2.AsyncClient, path: str, change: dict[str, Any], status: int
) -> None:
    assert (await administrator.put(f"{USAGE}/limits/{path}", json=change)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users"),
        ("GET", "limits"),
        ("PUT", "limits/user/someone@example.org"),
        ("DELETE", "limits/user/someone@example.org"),
    ],
)
async def test_nobody_else_may(client: httpx2.AsyncClient, base_url: str, method: str, path: str) -> None:
    body = {"json": {"questions_per_day": 9}} if method == "PUT" else {}
    assert (await client.request(method, f"{USAGE}/{path}", **body)).status_code == 403
    async with client_of(base_url) as nobody:
        assert (await nobody.request(method, f"{USAGE}/{path}", **body)).status_code == 401
