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


def test_thoughts_that_do_not_go_on_with_each_other_are_paragraphs() -> None:
    writer, events = writer_and_events()
    for event in (
        ThinkingGiven("I lo", is_new=True),
        TextGiven("Let me look."),
        ThinkingGiven("ok."),
        ThinkingGiven("", is_new=True),
        ThinkingGiven("Where?"),
        TextEnded(),
        ToolCalled("1", "search_code", {}),
        TextGiven("<think>There.</think>Found."),
    ):
        writer.write(event)
    writer.finish()
    assert "".join(data["text"] for data in events.of("thinking")) == "I look.\n\nWhere?\n\nThere."
    assert events.text == "Let me look.\n\nFound."


def test_what_was_said_before_a_tool_call_is_no_answer_after_it() -> None:
    writer, _ = writer_and_events()
    for event in (TextGiven("Let me look."), TextEnded()):
        writer.write(event)
    assert writer.has_words
    writer.write(ToolCalled("1", "search_code", {}))
    assert not writer.has_words


def test_thoughts_in_the_text_can_be_said_with_what_they_cite() -> None:
    writer, events = writer_and_events()
    for event in (
        TextGiven("<think>Old.</think>"),
        TextEnded(),
        ToolCalled("1", "search_code", {}),
        TextGiven("<think> It is [a.py:1]"),
    ):
        writer.write(event)
    writer.finish()
    writer.say_thoughts()
    assert (events.text, len(events.of("citation"))) == ("It is [a.py:1]", 1)


def test_an_endless_answer_is_stopped() -> None:
    writer, events = writer_and_events(output_chars=10)
    writer.write(TextGiven("12345678"))
    with pytest.raises(AgentFailed, match="too long"):
        writer.write(ThinkingGiven("901"))
    assert events.text == "12345678"
