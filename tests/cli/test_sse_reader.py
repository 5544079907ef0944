"""Bytes in any slices give the same events."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.cli.sse_reader import MAX_FRAME_CHARS, SseFormatError, SseFrame, SseReader

STREAM = (
    "\ufeff: a comment\n\n"
    'retry: 1500\nid: 1-1\nevent: text\ndata: {"text":"früh 🦊"}\n\n'
    "event: heartbeat-without-data\n\n"
    "id: 1-2\r\nevent:text\r\ndata: first\r\ndata:second\r\n\r\n"
    "data: of no type\rid: 1-3\r\r"
    "event: reconnect\ndata: {}\n\n"
    "id: 1-4\nevent: cut\ndata: never dispatched\n"
).encode()

FRAMES = [
    SseFrame("text", '{"text":"früh 🦊"}', "1-1"),
    SseFrame("text", "first\nsecond", "1-2"),
    SseFrame("message", "of no type", "1-3"),
    SseFrame("reconnect", "{}", "1-3"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_slicing_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    reader = SseReader()
    edges = [0, *sorted(cuts), len(STREAM)]
    frames = [frame for start, end in itertools.pairwise(edges) for frame in reader.feed(STREAM[start:end])]
    assert frames == FRAMES


def test_the_position_is_that_of_the_last_whole_event() -> None:
    reader = SseReader()
    reader.feed(STREAM)
    assert reader.last_id == "1-3"


def test_the_pause_that_the_server_asks_for_is_known_in_seconds() -> None:
    reader = SseReader()
    assert reader.retry_seconds is None
    reader.feed(b"retry: 1500\n\nretry: soon\n\n")
    assert reader.retry_seconds == 1.5


def test_an_id_with_a_null_is_ignored_as_the_standard_says() -> None:
    reader = SseReader()
    reader.feed(b"id: 1-1\ndata: a\n\nid: 1\x002\ndata: b\n\n")
    assert reader.last_id == "1-1"


def test_broken_utf8_is_a_format_error() -> None:
    with pytest.raises(SseFormatError):
        SseReader().feed(b"data: \xff\n\n")


@pytest.mark.parametrize(
    "endless", [b"data: " + b"x" * (MAX_FRAME_CHARS + 1), b"data: xxxxxxx\n" * (MAX_FRAME_CHARS // 7 + 1)]
)
def test_an_event_without_an_end_does_not_fill_the_memory(endless: bytes) -> None:
    with pytest.raises(SseFormatError):
        SseReader().feed(endless)
