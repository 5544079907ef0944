"""Events as a server-sent response: one send a wake-up, no database, no Redis connection, no thread."""

import asyncio
import contextlib
import random
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.hand_over import hand_over
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.permits import Permit
from riverrun.streaming.redaction import hide_sources
from riverrun.streaming.stream_metrics import ONE_RUN, StreamMetrics
from riverrun.streaming.subscription import Subscription

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
HEARTBEAT = b": alive\n\n"


class FrameReader(Protocol):
    """What a stream is read from: a run, or many."""

    @property
    def is_over(self) -> bool:
        """Whether every end was given."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is to be sent: the client is gone, or its right to read."""
        ...

    @property
    def is_leaving(self) -> bool:
        """Whether the server is going away."""
        ...

    @property
    def where(self) -> str:
        """The position with which the client comes back."""
        ...

    async def next_frames(self) -> bytes:
        """The next frames, joined; empty on a heartbeat, on leaving, and when closed."""
        ...

    def close(self) -> None:
        """Send nothing more."""
        ...


class FrameStream(Response):
    """A response that sends frames until its reader is over. A plain ASGI callable inside; nothing wraps its sends."""

    def __init__(self, permit: Permit, *, headers: dict[str, str]) -> None:
        super().__init__(headers={**HEADERS, **headers})
        del self.headers["content-length"]
        self._permit = permit

    @abstractmethod
    def attach(self) -> AbstractContextManager[FrameReader]:
        """The reader, while the stream is open."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the framework, then send."""
        if not hand_over(self._send_all, scope):
            await self._send_all(scope, receive, send)

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, until the client or its right goes, or until the server leaves; frees everything then."""
        with self.attach() as reader, self._permit.held(reader.close):
            watcher = asyncio.ensure_future(disconnected(receive))
            watcher.add_done_callback(lambda _: reader.close())
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await _send_body(send, retry_frame())
                await _follow(reader, send)
                if not watcher.done():
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                watcher.cancel()


class EventStream(FrameStream):
    """One run, followed to its ``end``. A ``reset``, if there is one, comes before the events after ``position``."""

    def __init__(
        self,
        hub: StreamHub,
        run_id: UUID,
        position: Position,
        *,
        permit: Permit,
        headers: dict[str, str],
        reset: Event | None = None,
        known_top: Position = START,
    ) -> None:
        super().__init__(permit, headers=headers)
        self._hub = hub
        self._run_id = run_id
        self._position = position
        self._reset = reset
        self._known_top = known_top

    @contextlib.contextmanager
    def attach(self) -> Iterator[FrameReader]:
        """A place at the run."""
        metrics = self._hub.metrics
        place = self._hub.attach(self._run_id, self._position, known_top=self._known_top)
        with metrics.open_stream(ONE_RUN), place as subscription:
            hides_sources = self._permit.hides_sources_of(self._run_id)
            yield _RunReader(subscription, self._reset, hides_sources, metrics)


class _RunReader:
    """The frames of one run."""

    def __init__(
        self, subscription: Subscription, reset: Event | None, hides_sources: bool, metrics: StreamMetrics
    ) -> None:
        self.is_over = False
        self._subscription = subscription
        self._reset = reset
        self._hides_sources = hides_sources
        self._metrics = metrics

    @property
    def is_closed(self) -> bool:
        return self._subscription.is_closed

    @property
    def is_leaving(self) -> bool:
        return self._subscription.is_leaving

    @property
    def where(self) -> str:
        return str(self._subscription.position)

    async def next_frames(self) -> bytes:
        if self._reset is not None:
            events, self._reset = [self._reset], None
        else:
            events = await self._subscription.next_events()
        if not events:
            return b""
        self.is_over = events[-1].is_end
        self._metrics.events_sent += len(events)
        if self._hides_sources:
            events = [hide_sources(event) for event in events]
        return events[0].sse if len(events) == 1 else b"".join([event.sse for event in events])

    def close(self) -> None:
        self._subscription.close()


async def _follow(reader: FrameReader, send: Send) -> None:
    """One ``send`` a wake-up."""
    while not reader.is_over:
        frames = await reader.next_frames()
        if frames:
            await send({"type": "http.response.body", "body": frames, "more_body": True})
        elif reader.is_closed:
            return
        elif reader.is_leaving:
            await _send_body(send, reconnect_frame(reader.where))
            return
        else:
            await _send_body(send, HEARTBEAT)


async def disconnected(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_body(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def retry_frame() -> bytes:
    """The client's waiting time before it reconnects, spread so that a restart is no stampede."""
    return b"retry: %d\n\n" % random.randint(500, 2_000)


def reconnect_frame(where: str) -> bytes:
    """Sends the client away; it comes back with the position ``where``."""
    return b'event: reconnect\ndata: {"position":"%s"}\n\n' % where.encode()
