import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.streaming.cursor import LARGEST, Cursor, Position
from riverrun.streaming.errors import MalformedCursor


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("0-0", Cursor(0, 0)),
        ("17", Cursor(None, 17)),
        ("2-300", Cursor(2, 300)),
        (str(LARGEST), Cursor(None, LARGEST)),
    ],
)
def test_a_position_is_read(text: str, cursor: Cursor) -> None:
    assert Cursor.parse(text) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1-",
        "-1",
        "1-2-3",
        " 1",
        "1 ",
        "+1",
        "1e3",
        "0x1",
        "٣",
        "١-٢",
        str(LARGEST + 1),
        "9" * 5000,
        "1-\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedCursor):
        Cursor.parse(text)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except MalformedCursor:
        return
    assert cursor.seq <= LARGEST


@given(st.integers(1, LARGEST), st.integers(1, LARGEST))
def test_an_id_on_the_wire_reads_back_as_itself(attempt: int, seq: int) -> None:
    assert Cursor.parse(str(Position(attempt, seq))) == (attempt, seq)
