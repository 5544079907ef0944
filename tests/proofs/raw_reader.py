"""Reading a stream as bytes: what is compared is what came over the wire."""

from typing import NamedTuple

import httpx2


class RawEvent(NamedTuple):
    """One event's bytes, from ``id:`` to the empty line, and the id among them."""

    block: bytes
    position: str


def raw_events(body: bytes) -> list[RawEvent]:
    """The whole events of a body; comments, ``retry`` and an unfinished rest are none."""
    blocks = [block + b"\n\n" for block in body.split(b"\n\n")[:-1]]
    return [RawEvent(block, _id_of(block)) for block in blocks if block.startswith(b"id: ")]


def joined(events: list[RawEvent]) -> bytes:
    """Their bytes one after the other."""
    return b"".join([event.block for event in events])


async def read_rest(
    client: httpx2.AsyncClient, run_id: str, position: str, *, spelling: str = "Last-Event-ID"
) -> list[RawEvent]:
    """Everything after a position to the stream's close; nothing at a 204. Raises for any other answer."""
    by_header = spelling == "Last-Event-ID"
    response = await client.get(
        f"/api/v1/runs/{run_id}/events",
        headers={spelling: position} if by_header else {},
        params={} if by_header else {spelling: position},
    )
    response.raise_for_status()
    return raw_events(response.content)


async def read_head(client: httpx2.AsyncClient, run_id: str, count: int) -> list[RawEvent]:
    """The first events; then the socket is closed, whatever else was under way."""
    body = b""
    async with client.stream("GET", f"/api/v1/runs/{run_id}/events") as response:
        response.raise_for_status()
        async for data in response.aiter_raw():
            body += data
            if body.count(b"\nid: ") >= count and len(events := raw_events(body)) >= count:
                return events[:count]
    return raw_events(body)


def _id_of(block: bytes) -> str:
    return block.partition(b"\n")[0].removeprefix(b"id: ").decode()
