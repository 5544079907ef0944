"""The benchmarks' client: what it takes for a whole answer, however it comes."""

import asyncio
from collections.abc import Sequence

import pytest

from bench.http_chunks import Chunks
from bench.http_wire import Answer, HttpWire, open_wire
from bench.scenario import Scenario, has_fields

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"a": "\r\n0\r\n\r\n"}'
CHUNKED = b'4\r\n{"a"\r\n00B;name="v;w"\r\n: "\r\n0\r\n\r\n"\r\n1 ;x\r\n}\r\n0;last\r\nExpires: now\r\nX-Sum: 1\r\n\r\n'


class Pieces(asyncio.Transport):
    """A server that has these pieces ready as soon as something is asked."""

    def __init__(self, wire: HttpWire, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self._wire = wire
        self._pieces = pieces
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        for piece in self._pieces:
            self._wire.data_received(piece)

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


async def answer_in(*pieces: bytes) -> Answer:
    wire = HttpWire()
    wire.connection_made(Pieces(wire, pieces))
    return await wire.ask(b"GET / HTTP/1.1\r\n\r\n", timeout_seconds=5)


async def test_chunks_are_put_together_wherever_the_answer_was_cut() -> None:
    whole = HEAD + CHUNKED
    for cut in range(len(whole)):
        assert (await answer_in(whole[:cut], whole[cut:]))[:2] == (200, BODY), cut
    assert (await answer_in(*(bytes([byte]) for byte in whole))).body == BODY


async def test_an_answer_ends_with_its_last_chunk_and_not_with_data_that_look_like_it() -> None:
    inside = CHUNKED.index(b"\r\n0\r\n\r\n") + len(b"\r\n0\r\n\r\n")
    assert (await answer_in(HEAD + CHUNKED[:inside], CHUNKED[inside:])).body == BODY


async def test_a_connection_is_used_again_after_a_chunked_answer() -> None:
    wire = HttpWire()
    wire.connection_made(Pieces(wire, (HEAD + CHUNKED,)))
    assert [(await wire.ask(b"")).body for _ in range(2)] == [BODY, BODY]
    wire.connection_made(Pieces(wire, (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[", b"]")))
    assert (await wire.ask(b"")).body == b"[]"


@pytest.mark.parametrize("wrong", [b"-5\r\n", b"0x1\r\n", b"\r\n", b"1_0\r\n", b"1\r\nab\r\n"])
async def test_what_are_no_chunks_is_an_error_of_the_server_and_ends_the_connection(wrong: bytes) -> None:
    wire = HttpWire()
    wire.connection_made(server := Pieces(wire, (HEAD + wrong,)))
    with pytest.raises(ConnectionError, match=r"no HTTP/1\.1"):
        await wire.ask(b"", timeout_seconds=5)
    assert server.is_aborted


async def test_what_does_not_speak_http_is_an_error_of_the_server() -> None:
    with pytest.raises(ConnectionError, match=r"no HTTP/1\.1"):
        await answer_in(b"-ERR unknown command\r\n\r\n")


def test_chunks_are_whole_with_the_empty_line_after_the_trailers() -> None:
    chunks = Chunks()
    assert [chunks.feed(piece) for piece in (b"0\r\n", b"Expires: now\r\n", b"\r", b"\n")] == [False] * 3 + [
        True
    ]
    assert chunks.body == b""


async def test_where_nobody_listens_is_named() -> None:
    with pytest.raises(ConnectionError, match=r"nobody listens at 127\.0\.0\.1:1 "):
        await open_wire("127.0.0.1", 1)


def test_an_answer_without_a_body_can_be_right_and_is_none_to_its_shape() -> None:
    deleted = Scenario("delete", "/item", lambda answer: answer is None, "DELETE", status=204)
    assert deleted.is_answered_by(204, b"")
    assert not deleted.is_answered_by(200, b"")
    assert not Scenario("poll", "/poll", has_fields("status")).is_answered_by(200, b"")


def test_a_shape_that_finds_nothing_where_it_looks_says_that_the_answer_is_wrong() -> None:
    assert not Scenario("list", "/list", lambda answer: answer[0] == 1).is_answered_by(200, b"[]")
