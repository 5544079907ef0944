"""A copy of a conversation stands by itself: it does not point into the runs of the original."""

import httpx2
from tests.support.asking import answer, ask, messages

from riverrun.conversations.copying import RESULT_CHARS
from riverrun.infra.worker_resources import WorkerResources
from riverrun.runs.attempt import Attempt

LARGE = "excerpt " * 20_000


def looks_and_answers(attempt: Attempt) -> None:
    for call_id, result in (("large", LARGE), ("small", "one line")):
        attempt.emit("tool_call", call_id=call_id, name="read_file", arguments={})
        attempt.emit("tool_result", call_id=call_id, result=result)
    attempt.emit("text", text="Because.")


async def test_a_copy_has_what_its_tools_said_when_the_original_is_gone(
    client: httpx2.AsyncClient, conversation: str, worker: WorkerResources
) -> None:
    await answer(worker, (await ask(client, conversation)).json()["run_id"], looks_and_answers)
    original = (await messages(client, conversation))[-1]["tool_calls"]
    assert "pointer" in original[0]
    copied = (await client.post(f"{conversation}/copy")).json()["conversation_id"]
    assert (await client.delete(conversation)).status_code == 204

    calls = (await messages(client, f"/api/v1/conversations/{copied}"))[-1]["tool_calls"]
    call = {"call_id": "large", "name": "read_file", "arguments": {}}
    assert calls == [call | {"result": LARGE[:RESULT_CHARS], "bytes": len(LARGE)}, original[1]]
