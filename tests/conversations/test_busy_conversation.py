"""What a question does while another one is being answered: it is refused, waits, interrupts, or takes the other back."""

import asyncio
from itertools import pairwise
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from tests.support.asking import answer, ask, contents, messages, regenerate, says
from tests.support.live_api import read_sse
from tests.support.waiting import wait_until, wait_until_async

from riverrun.infra.settings import Settings
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs import line_statements
from riverrun.runs.attempt import Attempt
from riverrun.runs.lease import claim_run
from riverrun.runs.models import OutboxEntry, Run, RunStatus

ALL_WAYS = ("reject", "enqueue", "interrupt", "rollback")


def statuses(engine: Engine) -> list[str]:
    """Those of all runs, in the order in which they were accepted."""
    with engine.connect() as connection:
        return list(connection.scalars(select(Run.status).order_by(Run.number)))


def run_of(response: httpx2.Response) -> str:
    assert response.status_code == 202, response.text
    run_id: str = response.json()["run_id"]
    return run_id


def claim(engine: Engine, run_id: str, *, lease_seconds: float = 60) -> object:
    return claim_run(engine, UUID(run_id), lease_seconds=lease_seconds, max_attempts=3)


def stopped_in_the_middle(*words: str) -> object:
    """Work that says something, and then waits until somebody stops it."""

    def work(attempt: Attempt) -> None:
        says(*words)(attempt)
        wait_until(lambda: attempt.is_stop_requested)
        attempt.check()

    return work


@pytest.mark.parametrize("if_busy", ALL_WAYS)
async def test_where_nothing_is_under_way_all_ways_are_the_same(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, if_busy: str
) -> None:
    await answer(worker, run_of(await ask(client, conversation, "One?", if_busy)), says("one"))
    await answer(worker, run_of(await ask(client, conversation, "Two?", if_busy)), says("two"))
    assert await contents(client, conversation) == ["One?", "one", "Two?", "two"]


async def test_an_unknown_way_is_refused(client: httpx2.AsyncClient, conversation: str) -> None:
    assert (await ask(client, conversation, if_busy="barge_in")).status_code == 422


async def test_a_run_that_waits_is_claimed_when_its_turn_comes_and_no_sooner(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    second = run_of(await ask(client, conversation, "Two?", "enqueue"))
    third = run_of(await ask(client, conversation, "Three?", "enqueue"))
    assert claim(engine, second) is None
    await answer(worker, first, says("one"))
    assert claim(engine, third) is None
    await answer(worker, second, says("two"))
    await answer(worker, third, says("three"))
    assert await contents(client, conversation) == ["One?", "one", "Two?", "two", "Three?", "three"]


async def test_what_waits_is_shown_after_the_answer_before_it(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    await ask(client, conversation, "Two?", "enqueue")
    assert await contents(client, conversation) == ["One?", "Two?"]
    await answer(worker, first, says("one"))
    assert await contents(client, conversation) == ["One?", "one", "Two?"]


async def test_the_next_one_is_woken_when_its_turn_comes(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    second = run_of(await ask(client, conversation, "Two?", "enqueue"))
    await answer(worker, first, says("one"))
    assert await sent(engine, second), "by the sweeper, within seconds"


async def sent(engine: Engine, run_id: str) -> object:
    def look() -> object:
        with engine.connect() as connection:
            return connection.scalar(select(OutboxEntry.sent_at).where(OutboxEntry.run_id == UUID(run_id)))

    return await wait_until_async(look, 5)


async def test_a_line_has_an_end(client: httpx2.AsyncClient, conversation: str, settings: Settings) -> None:
    for _ in range(settings.max_waiting_runs + 1):
        run_of(await ask(client, conversation, if_busy="enqueue"))
    full = await ask(client, conversation, if_busy="enqueue")
    assert (full.status_code, full.json()["title"]) == (429, "Too many runs wait")
    assert len(await messages(client, conversation)) == settings.max_waiting_runs + 1


async def test_a_hundred_questions_at_once_are_a_bounded_line_without_overlap(
    client: httpx2.AsyncClient,
    conversation: str,
    worker: WorkerResources,
    engine: Engine,
    settings: Settings,
) -> None:
    responses = await asyncio.gather(
        *(ask(client, conversation, f"{number}?", "enqueue") for number in range(100))
    )
    taken = [response.json()["run_id"] for response in responses if response.status_code == 202]
    assert len(taken) == settings.max_waiting_runs + 1
    # A starved machine may let some wait for a connection until they are told to come again.
    assert {response.status_code for response in responses} - {503} == {202, 429}
    with engine.connect() as connection:
        line = list(connection.scalars(select(Run.id).order_by(Run.number)))
    assert {str(run_id) for run_id in line} == set(taken)
    for place, run_id in enumerate(line):
        assert all(claim(engine, str(later)) is None for later in line[place + 1 :])
        await answer(worker, str(run_id), says("so"))
    with engine.connect() as connection:
        times = connection.execute(select(Run.started_at, Run.ended_at).order_by(Run.number)).all()
    assert all(before.ended_at <= after.started_at for before, after in pairwise(times))
    shown = await messages(client, conversation)
    assert [message["turn"] for message in shown] == sorted(2 * list(range(1, len(taken) + 1)))


async def test_a_hundred_enqueued_posts_with_one_key_are_one_run(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await ask(client, conversation, "One?")
    responses = await asyncio.gather(
        *(ask(client, conversation, "Two?", "enqueue", **{"idempotency-key": "once"}) for _ in range(100))
    )
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["run_id"] for response in responses}) == 1
    assert statuses(engine) == ["queued", "queued"]


async def test_a_repeated_post_finds_its_run_although_the_conversation_is_busy_and_its_index_gone(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?", **{"idempotency-key": "once"}))
    await answer(worker, first, says("one"))
    await ask(client, conversation, "Two?")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE projects SET indexed_at = NULL")
    again = await ask(client, conversation, "One?", **{"idempotency-key": "once"})
    assert run_of(again) == first


async def test_an_interrupted_answer_is_kept_and_the_next_follows_at_once(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    answering = asyncio.create_task(answer(worker, first, stopped_in_the_middle("half")))
    await wait_until_async(lambda: statuses(engine) == ["running"])
    second = run_of(await ask(client, conversation, "Two?", "interrupt"))
    assert claim(engine, second) is None or statuses(engine)[0] == "cancelled"
    await answering
    await answer(worker, second, says("two"))
    assert statuses(engine) == ["cancelled", "completed"]
    assert await contents(client, conversation) == ["One?", "half", "Two?", "two"]
    assert (await messages(client, conversation))[1]["reason"] == "cancelled"


async def test_an_interrupt_ends_those_that_wait_too_and_their_readers_hear_of_it(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await ask(client, conversation, "One?")
    waiting = run_of(await ask(client, conversation, "Two?", "enqueue"))
    reading = asyncio.create_task(read_sse(client, f"/api/v1/runs/{waiting}/events"))
    third = run_of(await ask(client, conversation, "Three?", "interrupt"))
    assert [kind for _, kind, _ in await reading] == ["queued", "end"]
    assert statuses(engine) == ["cancelled", "cancelled", "queued"]
    assert claim(engine, third)
    assert await contents(client, conversation) == ["One?", "Two?", "Three?"]


async def test_a_rollback_takes_question_and_answer_back(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    await answer(worker, run_of(await ask(client, conversation, "Zero?")), says("zero"))
    first = run_of(await ask(client, conversation, "One?"))
    reading = asyncio.create_task(read_sse(client, f"/api/v1/runs/{first}/events"))
    answering = asyncio.create_task(answer(worker, first, stopped_in_the_middle("half")))
    await wait_until_async(lambda: statuses(engine) == ["completed", "running"])
    second = run_of(await ask(client, conversation, "Two?", "rollback"))
    assert await contents(client, conversation) == ["Zero?", "zero", "Two?"]
    await answering
    events = await reading
    assert (events[-1][1], '"cancelled"' in events[-1][2]) == ("end", True)
    receipt = (await client.post(f"/api/v1/runs/{first}/stop")).json()
    assert (receipt["saved_partial"], receipt["message_id"]) == (False, None)
    await answer(worker, second, says("two"))
    assert await contents(client, conversation, siblings=True) == ["Zero?", "zero", "Two?", "two"]
    assert len(await read_sse(client, f"/api/v1/runs/{first}/events")) == len(events)


async def test_a_conversation_is_not_named_after_a_question_that_was_taken_back(
    client: httpx2.AsyncClient, conversation: str
) -> None:
    await ask(client, conversation, "One?")
    await ask(client, conversation, "Two?", "rollback")
    assert (await client.get(f"{conversation}/info")).json()["title"] == "Two?"


async def test_a_rollback_leaves_alone_what_has_ended(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    await answer(worker, run_of(await ask(client, conversation, "One?")), says("one"))
    await answer(worker, run_of(await ask(client, conversation, "Two?", "rollback")), says("two"))
    assert await contents(client, conversation) == ["One?", "one", "Two?", "two"]


async def test_a_regeneration_with_rollback_keeps_the_question_it_answers(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    answering = asyncio.create_task(answer(worker, first, stopped_in_the_middle("half")))
    await wait_until_async(lambda: statuses(engine) == ["running"])
    again = run_of(await regenerate(client, conversation, "rollback"))
    await answering
    await answer(worker, again, says("whole"))
    assert await contents(client, conversation, siblings=True) == ["One?", "whole"]


async def test_an_enqueued_regeneration_answers_the_question_it_waits_behind(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    again = run_of(await regenerate(client, conversation, "enqueue"))
    await answer(worker, first, says("one"))
    await answer(worker, again, says("other"))
    assert await contents(client, conversation, siblings=True) == ["One?", "one", "other"]
    assert await contents(client, conversation) == ["One?", "other"]


async def test_stopping_lets_the_next_one_go_on(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    second = run_of(await ask(client, conversation, "Two?", "enqueue"))
    receipt = (await client.post(f"{conversation}/stop")).json()
    assert (receipt["run_id"], receipt["status"]) == (first, "cancelled")
    assert await sent(engine, second)
    assert claim(engine, second)


async def test_one_that_waits_is_stopped_without_disturbing_the_others(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    first = run_of(await ask(client, conversation, "One?"))
    second = run_of(await ask(client, conversation, "Two?", "enqueue"))
    third = run_of(await ask(client, conversation, "Three?", "enqueue"))
    assert (await client.post(f"/api/v1/runs/{second}/stop")).json()["status"] == "cancelled"
    await answer(worker, first, says("one"))
    await answer(worker, third, says("three"))
    assert await contents(client, conversation) == ["One?", "one", "Two?", "Three?", "three"]


async def test_posting_interrupting_and_deleting_at_once_is_no_deadlock(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    for _ in range(5):
        ways = [ask(client, conversation, if_busy=way) for way in ALL_WAYS for _ in range(3)]
        responses = await asyncio.gather(*ways)
        assert {response.status_code for response in responses} <= {202, 409, 429}
    responses = await asyncio.gather(
        *(ask(client, conversation, if_busy=way) for way in ALL_WAYS), client.delete(conversation)
    )
    assert responses[-1].status_code == 204
    assert {response.status_code for response in responses[:-1]} <= {202, 404, 409, 429}
    with engine.connect() as connection:
        active = select(Run.id).where(Run.status.in_(line_statements.ACTIVE))
        assert connection.execute(active).all() == []


async def test_the_database_itself_refuses_a_second_running_run(
    client: httpx2.AsyncClient, conversation: str, engine: Engine
) -> None:
    await ask(client, conversation, "One?")
    await ask(client, conversation, "Two?", "enqueue")
    with pytest.raises(Exception, match="uq_runs_running_subject"), engine.begin() as connection:
        connection.execute(update(Run).values(status=RunStatus.RUNNING))


async def test_another_conversations_line_is_its_own(
    client: httpx2.AsyncClient, conversation: str, project_id: UUID, engine: Engine
) -> None:
    await ask(client, conversation, "One?")
    begun = await client.post("/api/v1/conversations", json={"project_ids": [str(project_id)]})
    other = f"/api/v1/conversations/{begun.json()['conversation_id']}"
    assert claim(engine, run_of(await ask(client, other, "Two?")))
    assert claim(engine, str(new_uuid())) is None
