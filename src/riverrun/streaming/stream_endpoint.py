"""A run's events as server-sent events: one send a wake-up, no database, no Redis connection, no thread."""

import asyncio
import random
from uuid import UUID

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from riverrun.streaming.cursor import Position
from riverrun.streaming.events import Event
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.subscription import Subscription

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
HEARTBEAT = b": alive\n\n"


class EventStream(Response):
    """The response that follows a run to its ``end``. A plain ASGI callable inside; nothing wraps its sends."""

    def __init__(
        self,
        hub: StreamHub,
        run_id: UUID,
        position: Position,
        *,
        headers: dict[str, str],
        reset: Event | None = None,
    ) -> None:
        super().__init__(headers={**HEADERS, **headers})
        del self.headers["content-length"]
        self._hub = hub
        self._run_id = run_id
        self._position = position
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until ``end``, until the client goes, or until the server leaves; frees everything then."""
        with self._hub.attach(self._run_id, self._position) as subscription:
            watcher = asyncio.ensure_future(_disconnected(receive))
            watcher.add_done_callback(lambda _: subscription.close())
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await _send_body(send, _opening(self._reset))
                await _follow(subscription, send)
                if not subscription.is_closed:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                watcher.cancel()


async def _follow(subscription: Subscription, send: Send) -> None:
    while True:
        events = await subscription.next_events()
        if events:
            await _send_body(send, b"".join([event.sse for event in events]))
            if events[-1].is_end:
                return
        elif subscription.is_closed:
            return
        elif subscription.is_leaving:
            await _send_body(send, _reconnect(subscription.position))
            return
        else:
            await _send_body(send, HEARTBEAT)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_body(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _opening(reset: Event | None) -> bytes:
    """The client's waiting time before it reconnects, spread so that a restart is no stampede."""
    retry = b"retry: %d\n\n" % random.randint(500, 2_000)
    return retry + (reset.sse if reset else b"")


def _reconnect(position: Position) -> bytes:
    return b'event: reconnect\ndata: {"position":"%s"}\n\n' % str(position).encode()
