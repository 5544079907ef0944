from pydantic_ai import (
    FinalResultEvent,
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    ToolReturnPart,
)

from riverrun.agents.event_mapping import (
    ArgumentsGiven,
    TextEnded,
    TextGiven,
    ThinkingGiven,
    ToolAnswered,
    ToolCalled,
    map_event,
)


def test_text_and_thinking_come_from_the_start_of_a_part_and_from_its_deltas() -> None:
    assert map_event(PartStartEvent(index=0, part=TextPart("a"))) == TextGiven("a")
    assert map_event(PartDeltaEvent(index=0, delta=TextPartDelta("b"))) == TextGiven("b")
    assert map_event(PartEndEvent(index=0, part=TextPart("ab"))) == TextEnded()
    assert map_event(PartStartEvent(index=0, part=ThinkingPart("c"))) == ThinkingGiven("c", is_new=True)
    assert map_event(PartDeltaEvent(index=0, delta=ThinkingPartDelta(content_delta="d"))) == ThinkingGiven(
        "d"
    )


def test_a_signature_without_words_is_no_thinking() -> None:
    assert map_event(PartDeltaEvent(index=0, delta=ThinkingPartDelta(signature_delta="x"))) is None


def test_a_tool_call_is_told_once_and_whole() -> None:
    call = ToolCallPart("read_file", '{"path": "a.py"}', tool_call_id="1")
    assert map_event(PartStartEvent(index=0, part=call)) == ArgumentsGiven('{"path": "a.py"}')
    assert map_event(PartDeltaEvent(index=0, delta=ToolCallPartDelta(args_delta='{"'))) == ArgumentsGiven(
        '{"'
    )
    assert map_event(FunctionToolCallEvent(call)) == ToolCalled("1", "read_file", {"path": "a.py"})


def test_a_name_that_fits_no_frame_is_cut() -> None:
    called = map_event(FunctionToolCallEvent(ToolCallPart("n" * 100_000, "{}", tool_call_id="1")))
    assert called == ToolCalled("1", "n" * 200, {})


def test_arguments_that_are_no_object_are_shown_as_they_were_written() -> None:
    for written in ("{bad", "[1]", '"x"', "3"):
        call = ToolCallPart("read_file", written, tool_call_id="1")
        assert map_event(FunctionToolCallEvent(call)) == ToolCalled("1", "read_file", {"raw": written})


def test_arguments_too_long_to_show_are_cut() -> None:
    call = ToolCallPart("read_file", {"path": "x" * 100_000}, tool_call_id="1")
    event = map_event(FunctionToolCallEvent(call))
    assert isinstance(event, ToolCalled)
    assert len(event.arguments["raw"]) < 10_000


def test_a_call_without_arguments_has_none() -> None:
    for nothing in (None, "", {}):
        call = ToolCallPart("list_files", nothing, tool_call_id="1")
        assert map_event(FunctionToolCallEvent(call)) == ToolCalled("1", "list_files", {})


def test_a_result_is_the_text_the_model_reads() -> None:
    result = ToolReturnPart("read_file", "1: x", tool_call_id="1", metadata=object())
    assert map_event(FunctionToolResultEvent(result)) == ToolAnswered("1", "1: x")


def test_other_events_are_nobodys_business() -> None:
    assert map_event(FinalResultEvent(tool_name=None, tool_call_id=None)) is None
