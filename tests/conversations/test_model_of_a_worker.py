"""A worker process and its model: one client for all its answers, whatever became of the last one."""

import asyncio

import httpx2
from pydantic_ai.models import Model
from sqlalchemy import Engine
from tests.agents.fake_model_server import (
    FakeModelServer,
    Reply,
    breaks_off,
    fake_model_server,
    finish,
    hangs_after,
    streams,
    text,
)
from tests.support.asking import answer, ask, contents
from tests.support.waiting import wait_until_async

from riverrun.conversations.agent_tasks import model_of
from riverrun.infra.worker_resources import WorkerResources


def says(words: str) -> Reply:
    return streams(text(words), finish())


async def asked(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, server: FakeModelServer
) -> str:
    """A question that the worker answers by the served model; the run's id."""
    worker.settings.model, worker.settings.model_base_url = "served-model", server.base_url
    run_id: str = (await ask(client, conversation)).json()["run_id"]
    await answer(worker, run_id)
    return run_id


async def closed(model: Model) -> None:
    """Close its connections: who enters a model last closes them on leaving."""
    async with model:
        pass


async def test_two_answers_take_one_connection(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    async with fake_model_server(says("one"), says("two"), keeps_alive=True) as server:
        await asked(client, conversation, worker, server)
        await asked(client, conversation, worker, server)
        await asyncio.to_thread(worker.runner.run, closed(worker.kept(model_of)))
    assert (await contents(client, conversation))[1::2] == ["one", "two"]
    assert server.connections == 1


async def test_an_answer_that_broke_off_does_not_harm_the_next(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    async with fake_model_server(breaks_off(text("half")), says("whole")) as server:
        await asked(client, conversation, worker, server)
        await asked(client, conversation, worker, server)
    assert (await contents(client, conversation))[-1] == "whole"


async def test_a_stopped_answer_does_not_harm_the_next(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    async with fake_model_server(hangs_after(text("half")), says("whole")) as server:
        worker.settings.model, worker.settings.model_base_url = "served-model", server.base_url
        run_id = (await ask(client, conversation)).json()["run_id"]
        answering = asyncio.create_task(answer(worker, run_id))
        await server.waiting.wait()
        stopped = await client.post(f"{conversation}/stop")
        assert stopped.is_success, stopped.text
        await answering
        await wait_until_async(lambda: server.open_connections == 0)
        await asked(client, conversation, worker, server)
    assert (await contents(client, conversation))[-1] == "whole"


async def test_a_model_that_is_set_up_at_last_is_taken(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources, engine: Engine
) -> None:
    worker.settings.model = "nobody:knows-me"
    await answer(worker, (await ask(client, conversation)).json()["run_id"])
    async with fake_model_server(says("here")) as server:
        await asked(client, conversation, worker, server)
    assert (await contents(client, conversation))[-1] == "here"
