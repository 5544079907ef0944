"""The bound of an ASGI stream: uvicorn as the product runs it, no framework, one queue a stream.

``python -m bench.arms.raw_asgi <port> <redis_url>``; says ``ready`` when it listens. What is ``PUT`` to ``/<status>`` is the
body and the status of every later answer that is no stream: the same bytes without the product.
"""

import asyncio
import contextlib
import sys
from typing import Any

import uvicorn

from bench.arms.probe import Probe
from bench.channel_ear import ChannelEar
from bench.command_lines import answer

STREAM_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")],
}


class RawStreams:
    """The application. Frames are pushed into the queue of each stream of their run."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._queues: dict[bytes, list[asyncio.Queue[bytes]]] = {}
        self._ear = ChannelEar(self._deliver)
        self._body, self._status = b"{}", 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"].endswith("/events"):
            await self._stream(scope["path"].split("/")[4], receive, send)
        else:
            body = await read_body(receive)
            if scope["method"] == "PUT":
                self._body, self._status = body, int(scope["path"].removeprefix("/"))
            await send(plain_head(self._body, self._status))
            await send({"type": "http.response.body", "body": self._body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await self._ear.connect(self._redis_url)
        Probe().start()
        await send({"type": "lifespan.startup.complete"})
        answer("ready")
        await receive()
        self._ear.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _stream(self, run_id: str, receive: Any, send: Any) -> None:
        channel = f"run:{{{run_id}}}:live"
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._queues.setdefault(channel.encode(), []).append(queue)
        confirmed = asyncio.Event()
        self._ear.subscribe(channel, confirmed.set)
        await confirmed.wait()
        await send(STREAM_HEAD)
        await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
        sender = asyncio.ensure_future(self._send_all(queue, send))
        while (await receive())["type"] != "http.disconnect":
            pass
        sender.cancel()
        self._queues[channel.encode()].remove(queue)

    async def _send_all(self, queue: "asyncio.Queue[bytes]", send: Any) -> None:
        while True:
            await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})

    def _deliver(self, channel: bytes, frame: bytes) -> None:
        entry_id, event_type, data = frame.split(b" ", 2)
        for queue in self._queues.get(channel, ()):
            queue.put_nowait(b"id: %b\nevent: %b\ndata: %b\n\n" % (entry_id, event_type, data))


def plain_head(body: bytes, status: int = 200) -> dict[str, Any]:
    """Of an answer that is no stream."""
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    return {"type": "http.response.start", "status": status, "headers": headers}


async def read_body(receive: Any) -> bytes:
    """A request's whole body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


if __name__ == "__main__":
    config = uvicorn.Config(
        RawStreams(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()
