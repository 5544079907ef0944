"""Bodies that come slowly: whoever waits for them holds no connection to Postgres meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest

JSON = ("application/json", b'{"content": "Why?"}')
FORM = (
    "multipart/form-data; boundary=b",
    b'--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nWhy?\r\n--b--\r\n',
)
MORE_THAN_THE_POOL_HAS = 25
AWAITED = b"HTTP/1.1 100 Continue"


@dataclass(frozen=True)
class SlowUpload:
    """A POST of which only the head was sent. The server says 100 at the moment in which it begins to await the body."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes

    @classmethod
    async def begin(cls, url: str, door: str, content_type: str, body: bytes) -> "SlowUpload":
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = (
            f"POST {parts.path}?background=true&if_busy=rollback HTTP/1.1\r\nhost: {parts.netloc}\r\n{door}\r\n"
            f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n"
        )
        writer.write(head.encode())
        return cls(reader, writer, body)

    async def first_words(self) -> bytes:
        return (await self.reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]

    async def finish(self) -> bytes:
        self.writer.write(self.body)
        return await self.first_words()


@asynccontextmanager
async def slow_uploads(
    url: str, door: str, content_type: str, body: bytes
) -> AsyncIterator[list[SlowUpload]]:
    """More of them than there are connections, each awaited by the server."""
    begun = [await SlowUpload.begin(url, door, content_type, body) for _ in range(MORE_THAN_THE_POOL_HAS)]
    try:
        assert {await one.first_words() for one in begun} == {AWAITED}
        yield begun
    finally:
        for one in begun:
            one.writer.close()


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("content_type", "body"), [JSON, FORM], ids=["json", "form"])
async def test_slow_uploads_keep_nobody_from_being_answered(
    client: httpx2.AsyncClient, base_url: str, conversation: str, version: str, content_type: str, body: bytes
) -> None:
    made = (await client.post("/api/v1/api-keys", json={"name": "slow"})).json()
    key, bearer = f"x-api-key: {made['key']}", f"authorization: {client.headers['authorization']}"
    url = f"{base_url}{conversation}/message".replace("/v1/", f"/{version}/")
    async with slow_uploads(url, key if version == "v2" else bearer, content_type, body) as uploads:
        assert (await client.get("/api/v1/conversations")).status_code == 200
        assert await uploads[0].finish() == b"HTTP/1.1 202 Accepted"
        assert (await client.delete(f"/api/v1/api-keys/{made['id']}")).status_code == 204
