"""A fake of what is outside: an identity provider's password check that answers late, or never.

It speaks as the Firebase emulator does, whose tokens nobody signs; every password is right. Commands: ``open
{project_id}``, which is answered with the port, ``pause {seconds}`` (none: from now on nobody is answered), ``asked``,
``waiting`` tells how many were not answered, ``hang_up`` ends them.
"""

import asyncio
import base64
import json
import time
from typing import Any
from uuid import uuid4

import uvloop

from bench.command_lines import Answer, serve_commands

TOKEN_SECONDS = 3_600


class SlowOutside:
    """All questions of all arms come here."""

    def __init__(self) -> None:
        self.project_id = ""
        self.asked_so_far = 0
        self.pause_seconds: float | None = 0.0
        self.hung: set[Any] = set()

    def find(self, command: str) -> Answer:
        """The method that performs a command."""
        method: Answer = getattr(self, command)
        return method

    async def open(self, project_id: str) -> int:
        """Listen; the port."""
        self.project_id = project_id
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Question(self), "127.0.0.1", 0, backlog=1_024)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def pause(self, seconds: float | None) -> None:
        """How long each question waits from now on."""
        self.pause_seconds = seconds

    async def waiting(self) -> int:
        """How many have a question that nobody answers."""
        return len(self.hung)

    async def hang_up(self) -> int:
        """End all connections on which nobody was answered; how many."""
        hung = list(self.hung)
        for transport in hung:
            transport.abort()
        return len(hung)

    async def asked(self) -> int:
        """How many questions have come."""
        return self.asked_so_far


class Question(asyncio.Protocol):
    """One connection, of one question."""

    def __init__(self, outside: SlowOutside) -> None:
        self._outside = outside
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._outside.hung.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        _, is_whole, body = self._received.partition(b"\r\n\r\n")
        if is_whole and body.endswith(b"}"):
            self._received = b""
            self._outside.asked_so_far += 1
            if self._outside.pause_seconds is None:
                self._outside.hung.add(self._transport)
            else:
                answer = answer_to(body, self._outside.project_id)
                asyncio.get_running_loop().call_later(
                    self._outside.pause_seconds, self._transport.write, answer
                )


def answer_to(body: bytes, project_id: str) -> bytes:
    """The ID token of whoever is named."""
    document = json.dumps({"idToken": id_token_of(json.loads(body)["email"], project_id)}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(document)}\r\n\r\n"
    return head.encode() + document


def id_token_of(email: str, project_id: str) -> str:
    """An ID token, another one each time."""
    moment = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project_id}",
        "aud": project_id,
        "sub": email,
        "email": email,
        "email_verified": True,
        "iat": moment,
        "exp": moment + TOKEN_SECONDS,
        "jti": str(uuid4()),
    }
    return ".".join((encoded({"alg": "none"}), encoded(claims), ""))


def encoded(part: dict[str, Any]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


if __name__ == "__main__":
    uvloop.run(serve_commands(SlowOutside().find))
