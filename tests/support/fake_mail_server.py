"""A fake of the mail server outside: it speaks Resend's API on a real socket, and keeps what it is given."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.waiting import wait_until_async

from riverrun.infra.settings import Settings

KEY = "re_fake_key"


@dataclass
class FakeMailServer:
    """``statuses`` are answered first, one a mail; then each is taken, unless ``decide`` says otherwise.

    ``headers`` go with every refusal. ``most_at_once`` is how many were ever handed in at the same time.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    decide: Callable[[], int] = lambda: 200
    headers: dict[str, str] = field(default_factory=dict)
    most_at_once: int = 0
    at_once: int = 0
    mails: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    def settings(self, settings: Settings, **more: object) -> Settings:
        """The settings of an installation that sends its mail here."""
        given = {
            "email_api_url": self.url,
            "email_api_key": KEY,
            "email_from": "Riverrun <riverrun@mail.example>",
            "allowed_hosts": self.url.split("/")[2],
        }
        return Settings.model_validate(settings.model_dump() | given | more)

    async def link_to(self, email: str, errand: str) -> str:
        """The token of the newest mail to ``email`` that has a link for ``errand``, once it is there."""

        def tokens() -> list[str]:
            texts = [mail["text"] for mail in self.mails if mail["to"] == [email]]
            return re.findall(rf"/#{errand}=(\S+)", "\n".join(texts))

        await wait_until_async(tokens)
        return tokens()[-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        self.heads.append(head)
        status = self.statuses.pop(0) if self.statuses else self.decide()
        if status == 200:
            self.mails.append(json.loads(body))
        answer = b'{"id": "1"}'
        headers = {"content-length": str(len(answer)), "connection": "close"}
        headers |= self.headers if status != 200 else {}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        self.at_once -= 1
        writer.write("\r\n".join([*lines, "", ""]).encode() + answer)
        await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def fake_mail_server(*statuses: int) -> AsyncIterator[FakeMailServer]:
    """The fake, while it runs."""
    fake = FakeMailServer(statuses=list(statuses))
    server = await asyncio.start_server(fake._serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        fake.url = f"http://127.0.0.1:{port}/emails"
        yield fake
