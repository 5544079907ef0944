"""A subscriber and nothing else: hiredis and one callback a message. The bound for whatever listens to Redis."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import hiredis
from redis.asyncio.connection import parse_url

SUBSCRIBED_AT_ONCE = 500


class ChannelEar(asyncio.Protocol):
    """A connection in subscribe mode."""

    def __init__(self, on_message: Callable[[bytes, bytes], None]) -> None:
        self._on_message = on_message
        self._on_subscribed: dict[bytes, Callable[[], None]] = {}
        self._reader = hiredis.Reader()
        self._transport: Any = None

    async def connect(self, redis_url: str) -> None:
        """Open and authenticate."""
        target = parse_url(redis_url)
        await asyncio.get_running_loop().create_connection(
            lambda: self, target.get("host", "localhost"), target.get("port", 6379)
        )
        if target.get("password"):
            self._send("AUTH", *filter(None, (target.get("username"), target["password"])))

    def subscribe(self, channel: str, on_subscribed: Callable[[], None]) -> None:
        """Listen to one channel, and say when that is so."""
        self._on_subscribed[channel.encode()] = on_subscribed
        self._send("SUBSCRIBE", channel)

    async def subscribe_all(self, channels: Iterable[str]) -> None:
        """Listen to many; returns when all are confirmed."""
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        names = list(channels)
        for start in range(0, len(names), SUBSCRIBED_AT_ONCE):
            self._send("SUBSCRIBE", *names[start : start + SUBSCRIBED_AT_ONCE])
        self._on_subscribed[names[-1].encode()] = lambda: confirmed.set_result(None)
        await confirmed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
            if isinstance(reply, list):
                if reply[0] == b"message":
                    self._on_message(reply[1], reply[2])
                elif reply[0] == b"subscribe" and reply[1] in self._on_subscribed:
                    self._on_subscribed.pop(reply[1])()

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _send(self, *words: str) -> None:
        self._transport.write(hiredis.pack_command(words))
