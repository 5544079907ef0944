"""Benchmark 7: who waits for nobody is not disturbed by those who wait for something that hangs."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from bench.arm_levels import AGAIN, NATIVE
from bench.arm_server import HOST, open_servers
from bench.figures import percentile
from bench.http_wire import open_wire
from bench.load import Address
from bench.mixed_traffic import reading, sign_in, signed_in
from bench.open_loop import OpenLoop, Outcome, Request
from bench.people import make_people
from bench.questions import fresh_conversations
from bench.ratios import AGREEMENT, Ratio, apart, interval
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.stream_stage import Audience, StreamStage, open_stage
from bench.workers import small_project

ARMS = {NATIVE: NATIVE, AGAIN: NATIVE, "threads": "threads"}
"""The blocking arm stands still for as long as the first of them hangs."""
TARGET = 1.2
LIVE = "live"
INFO = "info"
STREAM = "stream"
WAYS = {
    LIVE: "p99 of a route without I/O",
    STREAM: "p99 of the streams' delay",
    INFO: "p99 of a route with a query",
}
REACHED_SECONDS = 10.0
"""In the end of which all that will ever have reached the outside has."""
LOOK_SECONDS = 0.05
Weather = Mapping[str, Sequence[float]]
"""Milliseconds of each round, by what was asked."""


@dataclass(frozen=True, slots=True)
class Hang:
    """How many requests hang, and what goes on beside them."""

    hanging: int = 64
    streams: int = 20
    per_stream: float = 5.0
    per_second: float = 200.0
    seconds: float = 3.0
    rounds: int = 7
    most_seconds: float = 300.0
    """After how long no round is added any more while the A/A pair disagrees: a p99 of three seconds is no steady figure."""
    rounds_of_threads: int = 2
    """They wait for each other's connections, each time until the pool's patience ends: half a minute."""


def measure_immunity(site: Site, report: Report, plan: Hang) -> None:
    """Each arm idle and with sign-ins that hang, in turns."""
    emails = make_people(site)
    [conversation_id] = fresh_conversations(site, small_project(site), 1)
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(open_stage(site))
        servers = stack.enter_context(open_servers(ARMS, site.settings))
        address = {name: Address(HOST, one.port, signed_in(site.token), one) for name, one in servers.items()}
        players = {
            name: Player(
                stage, stage.seat(name, one, plan.streams), address[name], plan, emails, UUID(conversation_id)
            )
            for name, one in servers.items()
        }
        idle: dict[str, dict[str, list[float]]] = {name: {way: [] for way in WAYS} for name in ARMS}
        hung: dict[str, dict[str, list[float]]] = {name: {way: [] for way in WAYS} for name in ARMS}
        for player in players.values():
            player.play(0)
        ends_at = time.monotonic() + plan.most_seconds
        for number in itertools.count():
            if number >= plan.rounds and (twins_gap(idle) <= AGREEMENT or time.monotonic() > ends_at):
                break
            for name, player in players.items():
                if name == "threads" and number >= plan.rounds_of_threads:
                    continue
                for weather, hanging in ((idle, 0), (hung, plan.hanging)):
                    seen = player.play(hanging)
                    report.note_level(name, f"{hanging} hang, round {number + 1}", seen)
                    for way in seen.keys() & WAYS.keys():
                        weather[name][way].append(seen[way])
    tell(report, plan, idle, hung)


def twins_gap(idle: Mapping[str, Weather]) -> float:
    """How far the native arm and its twin are apart while nothing hangs."""
    return apart(idle[NATIVE][LIVE], idle[AGAIN][LIVE])


def tell(report: Report, plan: Hang, idle: Mapping[str, Weather], hung: Mapping[str, Weather]) -> None:
    """The native arm against itself; the threads', only told."""
    if (gap := twins_gap(idle)) > AGREEMENT:
        report.reject(f"benchmark 7: the A/A pair is {gap:.0%} apart")
    for name, number in ((NATIVE, "7"), ("threads", "7/threads")):
        for way, words in WAYS.items():
            before, after = idle[name][way], hung[name][way]
            if not after:
                continue
            report.add(
                Ratio(
                    number,
                    f"{words}, {plan.hanging} requests hang",
                    median(after) / median(before),
                    interval(after, before),
                    target=TARGET if name == NATIVE and way != INFO else None,
                    unit="x idle",
                    note=f"{median(after):.2f} ms against {median(before):.2f}",
                )
            )


class Player:
    """One arm with its readers."""

    def __init__(
        self,
        stage: StreamStage,
        audience: Audience,
        address: Address,
        plan: Hang,
        emails: Sequence[str],
        conversation_id: UUID,
    ) -> None:
        self._stage = stage
        self._audience = audience
        self._address = address
        self._plan = plan
        self._emails = emails
        self._came_through = 0
        self._is_ours = audience.server.arm == NATIVE
        self._traffic = mixed(address, conversation_id)

    def play(self, hanging: int) -> dict[str, float]:
        """Milliseconds by way while so many requests hang. What was late because of them is heard after their end.

        A way on which nobody was answered in time is not there.
        """
        outcome, events = asyncio.run(self._play(hanging))
        self._stage.await_all(self._audience, events)
        told = self._stage.readers.ask("collect", group=self._audience.name)
        wrong = sum(outcome.errors.values())
        return {
            "hang_outside": self._came_through,
            STREAM: told["p99_ms"],
            **{kind: percentile(seconds, 99) * 1e3 for kind, seconds in outcome.latencies.items()},
            **({"errors": wrong} if self._is_ours else {"unanswered": wrong}),
        }

    async def _play(self, hanging: int) -> tuple[Outcome, int]:
        plan, audience, speakers = self._plan, self._audience, self._stage.speakers
        per_second = plan.per_stream * len(audience.run_ids)
        loop = OpenLoop(self._address)
        async with self._hanging(hanging):
            speakers.tell("speak", run_ids=audience.run_ids, per_second=per_second, seconds=plan.seconds)
            playing = asyncio.create_task(loop.play(self._traffic, plan.per_second, plan.seconds))
            await asyncio.sleep(plan.seconds)
        outcome = await playing
        loop.close()
        return outcome, int(speakers.hear())

    @contextlib.asynccontextmanager
    async def _hanging(self, count: int) -> AsyncIterator[None]:
        """So many sign-ins that nobody outside answers, until the end."""
        outside = self._stage.site.outside
        outside.ask("pause", seconds=None if count else 0.0)
        wires = [await open_wire(self._address.host, self._address.port) for _ in range(count)]
        signing_in = [
            asyncio.create_task(wire.ask(sign_in(email, 0.0).data))
            for wire, email in zip(wires, self._emails, strict=False)
        ]
        self._came_through = await self._reached(count)
        try:
            yield
        finally:
            outside.ask("pause", seconds=0.0)
            while not all(one.done() for one in signing_in):
                outside.ask("hang_up")
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.gather(*signing_in, return_exceptions=True)
            for wire in wires:
                wire.close()

    async def _reached(self, count: int) -> int:
        """How many have come to the outside, when all have, or no more will: an arm may have no more threads."""
        outside = self._stage.site.outside
        deadline = time.monotonic() + REACHED_SECONDS
        while outside.ask("waiting") < count and time.monotonic() < deadline:  # noqa: ASYNC110  # another process
            await asyncio.sleep(LOOK_SECONDS)
        return int(outside.ask("waiting"))


def mixed(address: Address, conversation_id: UUID) -> Iterator[Request]:
    """Nine of ten have nothing to wait for, one has a query."""
    live = Scenario("", "/health/live", bool).requests(1, HOST, "")[0]
    look = reading("/info", conversation_id, address.authorization)
    return itertools.cycle([*[Request(LIVE, live)] * 9, look])
