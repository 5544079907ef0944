"""Replies that servers got wrong, over a real socket."""

import pytest
from tests.agents.fake_model_server import event, fake_model_server, finish, streams, text, tool_call
from tests.agents.folder_index import FolderIndex
from tests.agents.recorded_events import RecordedEvents

from riverrun.agents.errors import AgentFailed
from riverrun.agents.model_choice import choose_model
from riverrun.agents.runner import answer_question

INDEX = FolderIndex({"a.py": "x\n", "b.md": "y\n"})
LONG = "i" * 100_000


def calls(*ids: str) -> bytes:
    """Tool calls of one reply with these ids, each for another file."""
    functions = [{"name": "list_files", "arguments": f'{{"pattern": "{glob}"}}'} for glob in ("*.py", "*.md")]
    return event(
        {
            "delta": {
                "tool_calls": [
                    {"index": index, "id": call_id, "type": "function", "function": function}
                    for index, (call_id, function) in enumerate(zip(ids, functions, strict=True))
                ]
            }
        }
    )


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (("1", "2"), ["1", "2"]),
        (("1", "1"), ["1", "1-2"]),
        ((LONG + "a", LONG + "b"), [LONG[:200], LONG[:200] + "-2"]),
    ],
    ids=["as they should be", "shared", "long"],
)
async def test_every_call_of_a_reply_has_an_id_of_its_own_for_reader_and_model(
    given: tuple[str, str], own: list[str]
) -> None:
    events = RecordedEvents()
    async with fake_model_server(
        streams(calls(*given), finish("tool_calls")), streams(text("Done."), finish())
    ) as server:
        await answer_question("q", [], INDEX, choose_model("m", server.base_url), events.emit)
        told = [message for message in server.requests[1]["messages"] if message["role"] == "tool"]
    assert [call["call_id"] for call in events.of("tool_call")] == own
    results = [(result["call_id"], result["result"]) for result in events.of("tool_result")]
    assert results == list(zip(own, ["a.py", "b.md"], strict=True))
    assert [(result["tool_call_id"], result["content"]) for result in told] == results


async def test_a_call_that_the_longest_output_cut_off_is_not_asked_for_again() -> None:
    events = RecordedEvents()
    cut = streams(text("Let me look."), tool_call("search_code", '{"query": "ret'), finish("length"))
    async with fake_model_server(cut) as server:
        with pytest.raises(AgentFailed, match="The answer was cut off"):
            await answer_question("q", [], INDEX, choose_model("m", server.base_url), events.emit)
        assert len(server.requests) == 1
    assert (events.text, events.of("tool_call")) == ("Let me look.", [])
