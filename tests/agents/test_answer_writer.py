import json

import pytest
from tests.agents.folder_index import FolderIndex
from tests.agents.recorded_events import RecordedEvents

from riverrun.agents.answer_writer import AnswerWriter
from riverrun.agents.citations import CitationFilter
from riverrun.agents.errors import AgentFailed
from riverrun.agents.event_mapping import TextEnded, TextGiven, ThinkingGiven, ToolAnswered, ToolCalled

FRAME_BYTES = 64 * 1024


def writer_and_events(output_chars: int = 1_000_000) -> tuple[AnswerWriter, RecordedEvents]:
    events = RecordedEvents()
    return AnswerWriter(CitationFilter(FolderIndex({"a.py": "x\n"})), events.emit, output_chars), events


def test_held_back_text_leaves_before_the_tool_call_that_follows_it() -> None:
    writer, events = writer_and_events()
    for event in (
        TextGiven("See [a."),
        TextEnded(),
        ToolCalled("1", "search_code", {"query": "x"}),
    ):
        writer.write(event)
    assert events.types == ["text", "tool_call"]
    assert events.text == "See [a."


def test_text_in_several_parts_without_a_tool_call_between_them_stays_one() -> None:
    writer, events = writer_and_events()
    for event in (TextGiven("one sen"), TextEnded(), ThinkingGiven("hm"), TextGiven("tence")):
        writer.write(event)
    assert events.text == "one sentence"


def test_text_after_a_tool_call_begins_a_new_paragraph() -> None:
    writer, events = writer_and_events()
    for event in (
        TextGiven("Let me look."),
        TextEnded(),
        ToolCalled("1", "search_code", {}),
        TextGiven(""),
        TextGiven("Found."),
    ):
        writer.write(event)
    writer.finish()
    assert events.text == "Let me look.\n\nFound."


@pytest.mark.parametrize("character", ['"', "\n", "é", "😀", "x"])
def test_every_event_of_a_long_text_fits_a_frame(character: str) -> None:
    writer, events = writer_and_events()
    writer.write(TextGiven(character * 100_000))
    writer.write(ThinkingGiven(character * 100_000))
    writer.finish()
    assert events.text == character * 100_000
    assert "".join(data["text"] for data in events.of("thinking")) == character * 100_000
    assert all(len(json.dumps(data, ensure_ascii=False).encode()) < FRAME_BYTES for _, data in events.events)


def test_what_no_database_takes_is_repaired_in_every_event() -> None:
    writer, events = writer_and_events()
    writer.write(TextGiven("a\x00\ud83d"))
    writer.write(TextGiven("\ude00"))
    writer.write(TextEnded())
    writer.write(ToolCalled("1\x00", "read", {"path": "\ud800"}))
    writer.write(ToolAnswered("1", "r\x00"))
    assert events.text == "a😀"
    assert events.of("tool_call") == [{"call_id": "1", "name": "read", "arguments": {"path": "\ufffd"}}]
    assert events.of("tool_result") == [{"call_id": "1", "result": "r"}]


def test_an_endless_answer_is_stopped() -> None:
    writer, events = writer_and_events(output_chars=10)
    writer.write(TextGiven("12345678"))
    with pytest.raises(AgentFailed, match="too long"):
        writer.write(ThinkingGiven("901"))
    assert events.text == "12345678"
