"""Asking in a conversation over HTTP, and answering as a worker does."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2

from riverrun.conversations.agent_tasks import perform_answer, save_answer
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run

Work = Callable[[Attempt], None]


async def ask(
    client: httpx2.AsyncClient, conversation: str, content: str = "Why?", if_busy: str = "", **headers: str
) -> httpx2.Response:
    """Post a question in the background."""
    return await client.post(
        f"{conversation}/message", params=_in_background(if_busy), json={"content": content}, headers=headers
    )


async def regenerate(
    client: httpx2.AsyncClient, conversation: str, if_busy: str = "", **headers: str
) -> httpx2.Response:
    """Have the last question answered again, in the background."""
    return await client.post(f"{conversation}/regenerate", params=_in_background(if_busy), headers=headers)


async def answer(worker: WorkerResources, run_id: str, work: Work | None = None) -> None:
    """Perform a run as a worker does, with the built-in model or with other work."""
    if work is None:
        await asyncio.to_thread(perform_answer, worker, UUID(run_id))
    else:
        await asyncio.to_thread(perform_run, UUID(run_id), worker, work, save_answer)


def says(*words: str) -> Work:
    """An answer of exactly these pieces."""

    def work(attempt: Attempt) -> None:
        for word in words:
            attempt.emit("text", text=word)

    return work


def says_and_fails(*words: str) -> Work:
    """An answer that breaks after these pieces."""

    def work(attempt: Attempt) -> None:
        says(*words)(attempt)
        raise ValueError("broken on purpose")

    return work


async def messages(client: httpx2.AsyncClient, conversation: str, **params: Any) -> list[dict[str, Any]]:
    """What the conversation shows."""
    response = await client.get(f"{conversation}/messages", params=params)
    response.raise_for_status()
    found: list[dict[str, Any]] = response.json()
    return found


async def contents(client: httpx2.AsyncClient, conversation: str, **params: Any) -> list[str]:
    """The texts of what the conversation shows."""
    return [message["content"] for message in await messages(client, conversation, **params)]


def _in_background(if_busy: str) -> dict[str, str]:
    return {"background": "true"} | ({"if_busy": if_busy} if if_busy else {})
