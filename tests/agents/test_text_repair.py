import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.agents.text_repair import StreamRepair, repair, repair_value, split_bytes

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


def test_control_characters_that_databases_or_terminals_mind_are_dropped() -> None:
    assert repair("a\x00b\x1b[31mc\x9bd\x7f\te\r\n") == "ab[31mcd\te\r\n"


def test_surrogate_pairs_are_joined_and_lone_ones_replaced() -> None:
    assert repair("\ud83d\ude00 \ud83d \ude00") == "😀 \ufffd \ufffd"


def test_a_surrogate_pair_cut_in_two_chunks_is_joined() -> None:
    stream = StreamRepair()
    assert stream.feed("a\ud83d") == "a"
    assert stream.feed("\ude00b") == "😀b"
    assert stream.feed("\ud83d") == ""
    assert stream.flush() == "\ufffd"


def test_values_are_repaired_all_the_way_down() -> None:
    assert repair_value({"a\x00": ["\x1bb", {"c": "\ud800", "d": 1}]}) == {
        "a": ["b", {"c": "\ufffd", "d": 1}]
    }


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**25, math.nan, math.inf, -math.inf])
def test_numbers_that_have_no_room_are_written_out(number: float) -> None:
    assert repair_value({"line": [number]}) == {"line": [str(number)]}


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), 0, True, False, None, 1.5])
def test_values_that_have_room_stay_as_they_are(value: object) -> None:
    assert repair_value([value]) == [value]
    assert type(repair_value(value)) is type(value)


@pytest.mark.parametrize("levels", [100, 200, 201, 255, 5_000])
def test_what_lies_too_deep_for_json_is_left_out(levels: int) -> None:
    value: object = "treasure"
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    said = orjson.dumps({"snapshot": {"tool_calls": [{"arguments": repair_value(value)}]}})
    assert (b"treasure" in said) == (levels <= 200)


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
)


@given(ANY_VALUE)
def test_repaired_values_are_the_same_to_every_writer_of_json(value: object) -> None:
    repaired = repair_value(value)
    assert json.loads(json.dumps(repaired, allow_nan=False)) == orjson.loads(orjson.dumps(repaired))


@given(ANY_TEXT)
def test_repaired_text_can_always_be_stored(text: str) -> None:
    repaired = repair(text)
    assert "\x00" not in repaired
    assert json.loads(json.dumps(repaired, ensure_ascii=False).encode()) == repaired


@given(ANY_TEXT, st.data())
def test_repairing_a_stream_is_repairing_its_text(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    stream = StreamRepair()
    assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == repair(text)


@given(st.text(max_size=200), st.integers(4, 40))
def test_pieces_fit_and_join_to_the_text(text: str, limit: int) -> None:
    pieces = split_bytes(text, limit)
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= limit for piece in pieces)
