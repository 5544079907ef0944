"""Redis as raw as it gets: a socket and hiredis, for what drives or bounds a benchmark."""

import socket
from typing import Any

import hiredis
from redis.connection import parse_url


class RedisWire:
    """One blocking connection. Commands are written without waiting; their replies are drained when it suits."""

    def __init__(self, redis_url: str) -> None:
        target = parse_url(redis_url)
        self._socket = socket.create_connection((target.get("host", "localhost"), target.get("port", 6379)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self.unanswered = 0
        if target.get("password"):
            self.call("AUTH", *filter(None, (target.get("username"), target["password"])))
        if target.get("db"):
            self.call("SELECT", target["db"])

    def send(self, *words: Any) -> None:
        """Write a command; its reply is owed."""
        self.send_packed(hiredis.pack_command(words), 1)

    def send_packed(self, packed: bytes, commands: int) -> None:
        """Write so many packed commands at once."""
        self._socket.sendall(packed)
        self.unanswered += commands

    def call(self, *words: Any) -> Any:
        """A command's reply, after all earlier ones were drained.

        Raises:
            RuntimeError: the server says no.
        """
        self.drain()
        self.send(*words)
        return self.replies(1)[0]

    def drain(self) -> list[Any]:
        """Every reply that is owed."""
        return self.replies(self.unanswered)

    def replies(self, count: int) -> list[Any]:
        """The next replies, in order."""
        got: list[Any] = []
        while len(got) < count:
            reply = self._reader.gets()
            if reply is False:
                data = self._socket.recv(262_144)
                if not data:
                    raise RuntimeError("the server closed the connection")
                self._reader.feed(data)
                continue
            if isinstance(reply, hiredis.ReplyError):
                raise RuntimeError(str(reply))
            got.append(reply)
        self.unanswered -= count
        return got

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
