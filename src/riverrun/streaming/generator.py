"""The plan's reader: a synchronous generator that Starlette runs on its thread pool. ADR 0016 says why it is no default."""

import asyncio
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from threading import Event as Flag
from uuid import UUID

from redis.exceptions import RedisError
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from riverrun.infra.redis_clients import SyncRedis
from riverrun.streaming.cursor import START, Position
from riverrun.streaming.events import Event
from riverrun.streaming.permits import Permit
from riverrun.streaming.redaction import hide_sources
from riverrun.streaming.redis_streaming import RedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.stream_endpoint import HEADERS, reconnect_frame, retry_frame

logger = logging.getLogger(__name__)


def redis_stream_generator(
    run_id: UUID,
    position: Position,
    streams: RedisStreamManager,
    *,
    head: Sequence[Event] = (),
    reset: Event | None = None,
    hides_sources: bool = False,
    heartbeat_seconds: float,
    leaving: Flag,
) -> Iterator[bytes]:
    """The bytes that the hub would send: ``reset``, then ``head``, the known events after ``position``, then live ones.

    It sees Redis alone. Where that cannot be exact (an event is missing, the stream or its ``end`` is lost, the server
    is away) it ends with ``reconnect``: the client comes back, and gets from the record what is missing. A lost ``end``
    looks like a run that thinks: so a silence of ``heartbeat_seconds`` ends it too.
    """
    yield retry_frame()
    if reset is not None:
        yield _joined([reset], hides_sources)
    if head:
        yield _joined(head, hides_sources)
        position = head[-1].position
        if head[-1].is_end:
            return
    last_sent = time.monotonic()
    with closing(_live_events(run_id, position, streams, leaving)) as live:
        for events in live:
            if events:
                position = events[-1].position
                yield _joined(events, hides_sources)
                if events[-1].is_end:
                    return
                last_sent = time.monotonic()
            elif time.monotonic() - last_sent >= heartbeat_seconds:
                break
    yield reconnect_frame(str(position))


def _live_events(
    run_id: UUID, position: Position, streams: RedisStreamManager, leaving: Flag
) -> Generator[list[Event]]:
    """Events as they come, while they can be trusted to be all; an empty list for each silence."""
    try:
        for events in streams.consume_stream(run_id, position):
            if leaving.is_set() or not _continue(events, position):
                return
            if not events and not _is_alive(streams, run_id):
                return
            yield events
            if events:
                position = events[-1].position
    except (RedisError, OSError) as error:
        logger.info("run %s is read on from the record: %s", run_id, error)


def _continue(events: Sequence[Event], position: Position) -> bool:
    """Whether nothing is missing between ``position`` and ``events``, or among them."""
    for event in events:
        if not event.continues(position):
            return False
        position = event.position
    return True


def _is_alive(streams: RedisStreamManager, run_id: UUID) -> bool:
    """Whether a silent run may still speak here: a run that is over, or that Redis does not know, will not."""
    return streams.get_task_status(run_id) in ("queued", "running")


def _joined(events: Sequence[Event], hides_sources: bool) -> bytes:
    return b"".join([hide_sources(event).sse if hides_sources else event.sse for event in events])


class _PermittedResponse(StreamingResponse):
    """Ends for its client with the permit. The thread behind it may sleep in Redis; it leaves when it wakes."""

    def __init__(self, body: Iterator[bytes], permit: Permit, *, headers: dict[str, str]) -> None:
        super().__init__(body, headers=headers)
        self._permit = permit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes while the permit is held, and the body's end when it is lost."""
        is_lost, is_open = asyncio.Event(), False

        async def send_while_permitted(message: Message) -> None:
            nonlocal is_open
            if not is_lost.is_set():
                is_open = message.get("more_body", True)
                await send(message)

        async def end_when_lost() -> None:
            await is_lost.wait()
            if is_open:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        with self._permit.held(is_lost.set):
            ending = asyncio.ensure_future(end_when_lost())
            try:
                await super().__call__(scope, receive, send_while_permitted)
            finally:
                ending.cancel()


class ThreadpoolReader:
    """Opens runs' streams on the thread pool. Each holds a thread and a connection for as long as it is open."""

    def __init__(
        self,
        streams: RedisStreamManager,
        blocking_client: SyncRedis,
        run_log: RunLog,
        *,
        heartbeat_seconds: float,
    ) -> None:
        self._streams = streams
        self._blocking_client = blocking_client
        self._run_log = run_log
        self._heartbeat_seconds = heartbeat_seconds
        self._leaving = Flag()

    async def open(
        self,
        run_id: UUID,
        position: Position,
        *,
        permit: Permit,
        headers: dict[str, str],
        reset: Event | None = None,
        known_top: Position = START,
    ) -> Response:
        """The run's stream after ``position``. What is there already is read here, by async drivers, from both copies."""
        body = redis_stream_generator(
            run_id,
            position,
            self._streams,
            head=await self._known_after(run_id, position, known_top),
            reset=reset,
            hides_sources=permit.hides_sources_of(run_id),
            heartbeat_seconds=self._heartbeat_seconds,
            leaving=self._leaving,
        )
        return _PermittedResponse(body, permit, headers={**HEADERS, **headers})

    def drain(self) -> None:
        """Send every reader away with its position; those that wait for Redis are woken by the loss of their line."""
        self._leaving.set()
        self._blocking_client.connection_pool.disconnect()

    async def _known_after(self, run_id: UUID, position: Position, known_top: Position) -> list[Event]:
        known: list[Event] = []
        while True:
            page = await self._run_log.next_page(run_id, position, known_top=known_top)
            known += page.events
            if page.is_last:
                return known
            position = page.events[-1].position
