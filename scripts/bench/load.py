"""A level: so many requests at once, round after round, against one server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.figures import p95, percentile
from bench.http_wire import HttpWire, open_wire
from bench.round_bootstrap import figure_interval
from bench.scenario import Scenario

if TYPE_CHECKING:  # the product itself, which somebody else's server is measured without
    from bench.arm_server import ArmServer, Usage

WARM_UP = 5
ERROR_CHARS = 300
BUSY_CLIENT = 0.8
"""A client that used more of its core than this may have been what was measured."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and how one signs in there. ``server`` is none when it was not started by us."""

    host: str
    port: int
    authorization: str
    server: "ArmServer | None" = None


@dataclass(slots=True)
class Level:
    """What was seen of one scenario on one server at one concurrency."""

    rounds: list[list[float]] = field(default_factory=list)
    """Seconds of each right answer, round by round."""
    errors: int = 0
    first_error: str = ""
    wall_seconds: float = 0.0
    client_cpu_seconds: float = 0.0
    usages: "list[Usage]" = field(default_factory=list)

    @property
    def latencies(self) -> list[float]:
        """Seconds of all right answers."""
        return [seconds for one in self.rounds for seconds in one]

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Latencies in milliseconds, of right answers only."""
        figures: dict[str, Any] = {
            "requests": len(self.latencies) + self.errors,
            "errors": self.errors,
            "round_count": len(self.rounds),
        }
        if self.latencies:
            between = figure_interval(self.rounds, p95)
            figures |= {
                "min_ms": min(self.latencies) * 1e3,
                **{f"p{percent}_ms": percentile(self.latencies, percent) * 1e3 for percent in (50, 95, 99)},
                "max_ms": max(self.latencies) * 1e3,
                "p95_ci95_ms": between and [1e3 * edge for edge in between],
                "requests_per_second": len(self.latencies) / self.wall_seconds,
            }
        if self.first_error:
            figures["first_error"] = self.first_error
        if self.usages:
            figures |= {
                "server_cpu_seconds": sum(usage.cpu_seconds for usage in self.usages),
                "rss_bytes": max(usage.rss_bytes for usage in self.usages),
                "threads": max(usage.threads for usage in self.usages),
                "blocked_ms": sum(usage.blocked_ms for usage in self.usages),
                "worst_lag_ms": max(usage.worst_lag_ms for usage in self.usages),
                "rounds": [usage.of_the_loop() for usage in self.usages],
            }
        client = self.client_cpu_seconds / self.wall_seconds if self.wall_seconds else 0.0
        return figures | {
            "wall_seconds": self.wall_seconds,
            "client_cpu_seconds": self.client_cpu_seconds,
            "client_was_bottleneck": client > BUSY_CLIENT,
        }


class Load:
    """Connections to one server, kept open between rounds."""

    def __init__(self, address: Address, scenario: Scenario, wires: list[HttpWire]) -> None:
        self.level = Level()
        self._address = address
        self._scenario = scenario
        self._wires = wires

    async def warm_up(self, times: int) -> None:
        """A few requests that do not count, then one on each connection: pools fill up before the clock runs. 0: none at all."""
        if not times:
            return
        requests = self._requests(times)
        await self._reconnect()
        for request in requests:
            await self._wires[0].ask(request)
        requests = self._requests(len(self._wires))
        await self._reconnect()
        await asyncio.gather(
            *(wire.ask(request) for wire, request in zip(self._wires, requests, strict=True))
        )

    async def play_round(self) -> None:
        """A request on each connection, all at once."""
        requests = self._requests(len(self._wires))
        await self._reconnect()
        if self._address.server is not None:
            self._address.server.look()
        began, cpu = time.perf_counter(), time.process_time()
        answers = await asyncio.gather(
            *(self._ask(number, request) for number, request in enumerate(requests))
        )
        self.level.wall_seconds += time.perf_counter() - began
        self.level.client_cpu_seconds += time.process_time() - cpu
        self.level.rounds.append([seconds for seconds in answers if seconds is not None])
        self.level.errors += answers.count(None)
        if self._address.server is not None:
            self.level.usages.append(self._address.server.look())

    async def _reconnect(self) -> None:
        """Anew what was idle while it was the turn of other arms, or while the requests were made."""
        for number, wire in enumerate(self._wires):
            if not wire.is_open:
                wire.close()
                self._wires[number] = await open_wire(self._address.host, self._address.port)

    def _requests(self, count: int) -> list[bytes]:
        return self._scenario.requests(count, self._address.host, self._address.authorization)

    async def _ask(self, number: int, request: bytes) -> float | None:
        try:
            answer = await self._wires[number].ask(request)
        except (OSError, TimeoutError) as error:
            self._wires[number] = await open_wire(self._address.host, self._address.port)
            self._note_error(repr(error))
            return None
        if self._scenario.is_answered_by(answer.status, answer.body):
            return answer.seconds
        self._note_error(f"{answer.status} {answer.body.decode(errors='replace')}")
        return None

    def _note_error(self, words: str) -> None:
        self.level.first_error = self.level.first_error or words[-ERROR_CHARS:]


@contextlib.asynccontextmanager
async def open_load(address: Address, scenario: Scenario, concurrency: int) -> AsyncIterator[Load]:
    """So many connections, closed afterwards."""
    wires = [await open_wire(address.host, address.port) for _ in range(concurrency)]
    try:
        yield Load(address, scenario, wires)
    finally:
        for wire in wires:
            wire.close()
