"""The bound of fan-out: a subscriber, a dict, ``transport.write``. The bytes on the wire are those of the product.

``python -m bench.arms.raw_fanout <port> <redis_url>``; says ``ready`` when it listens.
"""

import asyncio
import re
import sys
from typing import Any

import uvloop

from bench.arms.probe import Probe
from bench.channel_ear import ChannelEar
from bench.command_lines import answer

RUN = re.compile(rb"GET /api/v1/runs/([0-9a-f-]{36})/events")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache, no-transform\r\ntransfer-encoding: chunked\r\n\r\n"
)


class FanOut:
    """Who listens to what."""

    def __init__(self) -> None:
        self._readers: dict[bytes, list[Any]] = {}
        self.ear = ChannelEar(self._deliver)

    def add(self, channel: bytes, transport: Any) -> None:
        """One more reader, answered as soon as its channel is confirmed."""
        readers = self._readers.setdefault(channel, [])
        readers.append(transport)
        self.ear.subscribe(channel.decode(), lambda: transport.write(HEAD))

    def remove(self, channel: bytes, transport: Any) -> None:
        """It is gone."""
        self._readers[channel].remove(transport)

    def _deliver(self, channel: bytes, frame: bytes) -> None:
        entry_id, event_type, data = frame.split(b" ", 2)
        body = b"id: %b\nevent: %b\ndata: %b\n\n" % (entry_id, event_type, data)
        chunk = b"%x\r\n%b\r\n" % (len(body), body)
        for transport in self._readers[channel]:
            transport.write(chunk)


class Connection(asyncio.Protocol):
    """One reader's socket."""

    def __init__(self, fan_out: FanOut) -> None:
        self._fan_out = fan_out
        self._channel = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        found = RUN.match(data)
        if found and not self._channel:
            self._channel = b"run:{%b}:live" % found[1]
            self._fan_out.add(self._channel, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._channel:
            self._fan_out.remove(self._channel, self._transport)


async def main(port: int, redis_url: str) -> None:
    """Serve until SIGTERM."""
    fan_out = FanOut()
    await fan_out.ear.connect(redis_url)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(fan_out), "127.0.0.1", port, backlog=2048)
    Probe().start()
    answer("ready")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
