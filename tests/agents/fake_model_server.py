"""An OpenAI-compatible server on a real socket that plays a script: the outside model, with all its moods."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
END_OF_BODY = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


@dataclass
class FakeModelServer:
    """Answers the n-th request with the n-th reply, the last one for ever; ``requests`` are the JSON bodies."""

    replies: "list[Reply]"
    base_url: str = ""
    keeps_alive: bool = False
    """Whether a connection takes another request after a whole streamed answer."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    """How many were made."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a reply that hangs has sent all it will send."""
    open_connections: int = 0
    """How many have not ended. A reply that hangs keeps its own until the client closes it."""

    @property
    def stream_head(self) -> bytes:
        return STREAM_HEAD + (b"" if self.keeps_alive else b"Connection: close\r\n") + b"\r\n"


Reply = Callable[[FakeModelServer, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Sends an answer, and says whether it was whole."""


@asynccontextmanager
async def fake_model_server(*replies: Reply, keeps_alive: bool = False) -> AsyncIterator[FakeModelServer]:
    """Serve until the block is left."""
    fake = FakeModelServer(list(replies), keeps_alive=keeps_alive)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fake.connections += 1
        fake.open_connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            is_whole = True
            while is_whole:
                fake.requests.append(await _read_request(reader))
                reply = fake.replies[min(len(fake.requests), len(fake.replies)) - 1]
                is_whole = await reply(fake, reader, writer) and keeps_alive
        writer.close()
        fake.open_connections -= 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    fake.base_url = f"http://{host}:{port}/v1"
    try:
        yield fake
    finally:
        server.close()


def streams(*events: bytes, done: bytes = DONE) -> Reply:
    """A well-formed streamed answer of these server-sent events."""
    return _sends(*events, done, END_OF_BODY)


def breaks_off(*events: bytes) -> Reply:
    """A streamed answer whose connection is lost before its end."""
    return _sends(*events)


def streams_bytes_singly(*events: bytes) -> Reply:
    """A streamed answer in pieces of one byte, so that every character and line is cut."""
    whole = b"".join(events) + DONE
    return _sends(*(whole[position : position + 1] for position in range(len(whole))), END_OF_BODY)


def hangs_after(*events: bytes) -> Reply:
    """A streamed answer that stays silent after these events until the client closes."""

    async def reply(
        fake: FakeModelServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(fake.stream_head + b"".join(map(_chunk, events)))
        await writer.drain()
        fake.waiting.set()
        with suppress(ConnectionError):
            await reader.read()
        return False

    return reply


def refuses(status: int, error: dict[str, Any], headers: str = "") -> Reply:
    """An error answer with a JSON body."""

    async def reply(_: FakeModelServer, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        body = json.dumps({"error": error}).encode()
        head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        return False

    return reply


def text(content: str) -> bytes:
    """A piece of answer text; what is not ASCII goes out as UTF-8."""
    return event({"delta": {"role": "assistant", "content": content}})


def tool_call(name: str, arguments: str, call_id: str = "call-1") -> bytes:
    """A whole tool call; ``arguments`` is JSON as the model wrote it, good or bad."""
    function = {"name": name, "arguments": arguments}
    return event(
        {"delta": {"tool_calls": [{"index": 0, "id": call_id, "type": "function", "function": function}]}}
    )


def finish(reason: str = "stop") -> bytes:
    """The last choice, with the reason why the model stopped and what the answer cost."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return event({"delta": {}, "finish_reason": reason}, usage=usage)


def event(choice: dict[str, Any], **fields: Any) -> bytes:
    """One server-sent event with one choice."""
    document = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": [{"index": 0, "finish_reason": None, **choice}],
        **fields,
    }
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


def _sends(*pieces: bytes) -> Reply:
    async def reply(fake: FakeModelServer, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(fake.stream_head)
        for piece in pieces:
            writer.write(piece if piece == END_OF_BODY else _chunk(piece))
            await writer.drain()
        return END_OF_BODY in pieces

    return reply


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


async def _read_request(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length"))
    body: dict[str, Any] = json.loads(await reader.readexactly(length))
    return body
