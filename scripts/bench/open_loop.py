"""An open loop: requests leave at a fixed rate, whether former ones were answered or not.

A latency runs from the moment at which a request was to leave, so a server that stalls is charged with all whom it kept
waiting, and not only with the one that it had in hand.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from bench.figures import percentile
from bench.http_wire import Answer, HttpWire
from bench.load import Address

FIRST_EVENT = b"\ndata: "
BACKLOG_SECONDS = 1.0
"""A server that so much of the rate waits for will not be in time any more: the trial ends."""
CONNECTED_SECONDS = 0.2
"""The connections that are there when a trial begins: as many as leave within this time."""
LEAST_BACKLOG = 8
WELL_ANSWERS = 5
WELL_MS = 50.0
MOST_RECOVERY_SECONDS = 120.0
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as bytes. What ``outside_seconds`` says is slept by somebody outside, and is no latency of ours."""

    kind: str
    data: bytes
    status: int = 200
    is_stream: bool = False
    """Whether it is answered by events: the first of them counts, the rest are read all the same."""
    outside_seconds: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What came of a trial: seconds by kind, and what went wrong."""

    latencies: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    is_given_up: bool = False

    @property
    def all(self) -> list[float]:
        """The latencies of all kinds."""
        return [seconds for of_kind in self.latencies.values() for seconds in of_kind]

    def p(self, percent: float) -> float:
        """A percentile over all kinds, in milliseconds; endless where there is no answer."""
        return percentile(self.all, percent) * 1e3 if self.latencies else float("inf")

    def note_error(self, what: str) -> None:
        """One more."""
        self.errors[what] = self.errors.get(what, 0) + 1

    def note_answer(self, kind: str, seconds: float) -> None:
        """A right one."""
        self.latencies.setdefault(kind, []).append(seconds)


class EventWire(HttpWire):
    """A connection that tells of the first event of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.first_event_at: float | None = None
        self._tell: Callable[[], None] | None = None

    async def ask_for_events(self, request: bytes, tell: Callable[[], None]) -> Answer:
        """As ``ask``; ``tell`` is called when the first event has come, at ``first_event_at``."""
        self.first_event_at, self._tell = None, tell
        return await self.ask(request, timeout_seconds=PATIENCE_SECONDS)

    def data_received(self, data: bytes) -> None:
        if self._tell is not None and FIRST_EVENT in data:
            self.first_event_at = time.perf_counter()
            self._tell()
            self._tell = None
        super().data_received(data)


class OpenLoop:
    """One server's connections: an idle one is taken, else one more is made."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: deque[EventWire] = deque()
        self._waiting: set[int] = set()

    async def play(self, traffic: Iterator[Request], rate: float, seconds: float) -> Outcome:
        """So many requests a second for so long, then wait until everything was answered to its end."""
        outcome = Outcome()
        await self._connect_some(math.ceil(rate * CONNECTED_SECONDS))
        began = time.perf_counter()
        async with asyncio.TaskGroup() as under_way:
            for number in range(max(1, round(rate * seconds))):
                planned = began + number / rate
                await asyncio.sleep(max(0.0, planned - time.perf_counter()))
                if len(self._waiting) > max(rate * BACKLOG_SECONDS, LEAST_BACKLOG):
                    outcome.is_given_up = True
                    break
                self._waiting.add(number)
                under_way.create_task(self._ask(number, next(traffic), planned, outcome))
        return outcome

    async def settle(self, request: Request) -> None:
        """Wait until the server is well again after a trial that was too much for it.

        Raises:
            TimeoutError: it does not recover.
        """
        well = 0
        async with asyncio.timeout(MOST_RECOVERY_SECONDS):
            while well < WELL_ANSWERS:
                outcome = Outcome()
                await self._connect_some(1)
                await self._ask(0, request, time.perf_counter(), outcome)
                well = well + 1 if outcome.p(100) < WELL_MS else 0
                await asyncio.sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """Hang up."""
        for wire in self._idle:
            wire.close()

    async def _ask(self, number: int, request: Request, planned: float, outcome: Outcome) -> None:
        try:
            wire = await self._take()
            answer = await wire.ask_for_events(request.data, partial(self._waiting.discard, number))
        except (OSError, TimeoutError) as error:
            outcome.note_error(f"{request.kind}: {type(error).__name__}")
            return
        finally:
            self._waiting.discard(number)
        answered_at = wire.first_event_at if request.is_stream else time.perf_counter()
        self._idle.append(wire)
        if answer.status != request.status or answered_at is None:
            outcome.note_error(f"{request.kind}: {answer.status}")
        else:
            outcome.note_answer(request.kind, answered_at - planned - request.outside_seconds)

    async def _connect_some(self, count: int) -> None:
        """Have so many fresh connections before the clock runs."""
        self.close()
        self._idle = deque([await self._connect() for _ in range(count)])

    async def _take(self) -> EventWire:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open:
                return wire
            wire.close()
        return await self._connect()

    async def _connect(self) -> EventWire:
        host, port = self._address.host, self._address.port
        _, wire = await asyncio.get_running_loop().create_connection(EventWire, host, port)
        return wire
