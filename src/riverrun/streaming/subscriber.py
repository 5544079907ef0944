"""The process's one SUBSCRIBE connection, spoken directly: a protocol, a parser, no task a message.

redis-py's PubSub reconnects and re-subscribes by itself, which hides the very moment at which frames are lost; and it
costs ten times the CPU a frame. The hub has to know of each lost connection, so we hold the socket ourselves.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

CONNECT_TIMEOUT_SECONDS = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, and as whom. Read once: a TLS context takes some 40 ms, too long for each reconnection."""

    host: str
    port: int
    unix_path: str | None
    tls: ssl.SSLContext | None
    credentials: tuple[str, ...]

    @classmethod
    def of_url(cls, redis_url: str) -> Self:
        """The URL means what it means to redis-py, its ``ssl_*`` included.

        Raises:
            OSError: a file of certificates that it names cannot be read.
            ValueError, RedisError: it is no such URL.
        """
        target: dict[str, Any] = {**parse_url(redis_url)}
        password = target.get("password")
        return cls(
            host=target.get("host", "localhost"),
            port=target.get("port", 6379),
            unix_path=target.get("path"),
            tls=_tls_of(target) if target.get("connection_class") is SSLConnection else None,
            credentials=tuple(filter(None, (target.get("username"), password))) if password else (),
        )


def _tls_of(target: dict[str, Any]) -> ssl.SSLContext:
    options = {name: value for name, value in target.items() if name.startswith("ssl_")}
    return SSLConnection(**options).ssl_context.get()


class ChannelSubscriber(asyncio.Protocol):
    """A connection in subscribe mode. Callbacks run on the loop, in the order of arrival, and must not block."""

    def __init__(
        self,
        *,
        on_message: Callable[[bytes, bytes], None],
        on_subscribed: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._on_lost = on_lost
        self._reader = hiredis.Reader(protocolError=ConnectionError, replyError=ConnectionError)
        self._transport: asyncio.Transport | None = None
        self._unanswered_pings = 0

    async def connect(self, address: Address) -> None:
        """Open and authenticate.

        Raises:
            OSError: the server cannot be reached, or the connection took over two seconds.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            if address.unix_path is not None:
                await loop.create_unix_connection(lambda: self, address.unix_path)
            else:
                await loop.create_connection(lambda: self, address.host, address.port, ssl=address.tls)
        if address.credentials:
            self._send("AUTH", *address.credentials)

    @property
    def is_connected(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def subscribe(self, channels: Iterable[str]) -> None:
        """Ask for channels; each is confirmed by ``on_subscribed``."""
        names = tuple(channels)
        if names:
            self._send("SUBSCRIBE", *names)

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Stop listening; frames under way may still come."""
        names = tuple(channels)
        if names:
            self._send("UNSUBSCRIBE", *names)

    def ping(self) -> None:
        """Probe a silent line; the second probe without any answer in between ends the connection."""
        if self._unanswered_pings >= 2:
            self.abort()
            return
        self._unanswered_pings += 1
        self._send("PING")

    def abort(self) -> None:
        """Drop the connection now; ``on_lost`` follows."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being its subclass

    def data_received(self, data: bytes) -> None:
        self._unanswered_pings = 0
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._dispatch(reply)
        except ConnectionError as error:
            logger.error("subscriber got an error, reconnecting: %s", error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_lost()

    def _dispatch(self, reply: Any) -> None:
        if isinstance(reply, ConnectionError):
            raise reply
        if not isinstance(reply, list):
            return
        if reply[0] == b"message":
            self._on_message(reply[1], reply[2])
        elif reply[0] == b"subscribe":
            self._on_subscribed(reply[1])

    def _send(self, *words: str) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub means tuple[str, ...]
