"""A model may write any number into a tool call: it is said and stored all the same, and the answer goes on."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic_ai import FunctionToolCallEvent, ModelMessage, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from tests.agents.folder_index import FolderIndex
from tests.agents.tool_context import context
from tests.support.asking import answer, ask, messages
from tests.support.live_api import read_sse

from riverrun.agents import tools
from riverrun.agents.deps import EarlierEffect, EffectState
from riverrun.agents.effects import Effects
from riverrun.agents.event_mapping import ToolCalled, map_event
from riverrun.conversations import agent_tasks
from riverrun.infra.worker_resources import WorkerResources

HUGE = 99999999999999999999
DEEP = "[" * 150 + "]" * 150


@pytest.mark.parametrize(
    ("tool", "written", "told"),
    [
        ("read_file", f'{{"path": "a.py", "start_line": 1, "end_line": {HUGE}}}', {"end_line": str(HUGE)}),
        ("read_file", f'{{"path": "a.py", "start_line": {HUGE}}}', {"start_line": str(HUGE)}),
        ("read_file", f'{{"path": "a.py", "start_line": -{HUGE}}}', {"start_line": f"-{HUGE}"}),
        ("read_file", '{"path": "a.py", "start_line": 3000000000}', {"start_line": 3_000_000_000}),
        ("search_code", '{"query": "a", "weight": NaN}', {"weight": "nan"}),
        ("search_code", '{"query": "a", "weight": [1e999, -Infinity]}', {"weight": ["inf", "-inf"]}),
        ("search_code", f'{{"query": "a", "deep": {DEEP}}}', {"deep": json.loads(DEEP)}),
    ],
)
async def test_an_answer_goes_on_after_such_a_call(
    client: httpx2.AsyncClient,
    conversation: str,
    worker: WorkerResources,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    written: str,
    told: dict[str, Any],
) -> None:
    async def reply(said: list[ModelMessage], _: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if len(said) == 1:
            yield {0: DeltaToolCall(tool, written, tool_call_id="c1")}
        else:
            yield "The answer."

    monkeypatch.setattr(agent_tasks, "model_of", lambda _: FunctionModel(stream_function=reply))
    run_id = (await ask(client, conversation)).json()["run_id"]
    await answer(worker, run_id)
    events = await read_sse(client, f"/api/v1/runs/{run_id}/events")
    calls = [json.loads(data)["arguments"] for _, kind, data in events if kind == "tool_call"]
    assert json.loads(events[-1][2])["status"] == "completed"
    assert told.items() <= calls[0].items()
    stored = (await messages(client, conversation))[-1]
    assert stored["content"] == "The answer."
    assert stored["tool_calls"][0]["arguments"] == calls[0]


@pytest.mark.parametrize(
    ("start", "is_read"),
    [(HUGE, False), (-HUGE, True), (3_000_000_000, False), pytest.param(10**4_299, False, id="4300 digits")],
)
async def test_a_line_that_no_file_has_is_told_to_the_model(start: int, is_read: bool) -> None:
    index = FolderIndex({"a.py": "one\ntwo\n"})
    read = await tools.read_file(context(index), "a.py", start, 10 * HUGE)
    assert ("one" in str(read.return_value)) == is_read


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "arguments", [{"a": math.nan}, {"a": "\ud800"}, {"a": HUGE}, nested(260), nested(2_000)]
)
def test_arguments_that_a_provider_has_read_itself_are_taken_too(arguments: dict[str, Any]) -> None:
    """They come as objects: no parser of ours has refused them."""
    call = ToolCallPart("read_file", arguments, tool_call_id="1")
    assert map_event(FunctionToolCallEvent(call)) == ToolCalled("1", "read_file", arguments)


class Notes:
    """A ledger that remembers ids."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def begin(self, effect_id: str, tool: str) -> EarlierEffect | None:
        self.ids.append(effect_id)
        return None

    def end(self, effect_id: str, state: EffectState, result: str) -> None:
        """Forgotten."""


@pytest.mark.parametrize("value", [HUGE, -HUGE, math.nan, "\ud800", [HUGE]])
async def test_an_effect_of_any_arguments_has_an_id_that_the_next_attempt_arrives_at(value: object) -> None:
    async def done() -> str:
        return "done"

    notes = Notes()
    for _ in range(2):
        assert await Effects(notes).once("change", {"to": value}, done) == "done"
    await Effects(notes).once("change", {"to": "another"}, done)
    assert notes.ids[0] == notes.ids[1] != notes.ids[2]


async def test_ids_of_ordinary_arguments_are_those_of_earlier_releases() -> None:
    async def done() -> str:
        return "done"

    notes = Notes()
    await Effects(notes).once("change", {"to": ["wörld", 1, 1.5, None, True]}, done)
    assert notes.ids == ["3cfcbf686df593194248b3c07d1082c2acb7fc5076b7f11cd20dc8b1c07ed68b-1"]
