"""Benchmark 11: the greatest rate of mixed requests at which 95 of 100 are answered within 100 ms, and none wrongly."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import TracebackType
from typing import Self

from bench.arm_levels import AGAIN, NATIVE
from bench.arm_server import HOST, ArmServer, open_servers
from bench.load import Address
from bench.mixed_traffic import Subjects, make_subjects, reading, signed_in, traffic_of
from bench.open_loop import OpenLoop, Outcome
from bench.people import make_people
from bench.rate_search import RateSearch
from bench.ratios import AGREEMENT, Ratio, apart, interval
from bench.report import Report
from bench.site import Site
from bench.stream_stage import Audience, StreamStage, open_stage
from bench.workers import open_workers, small_project

MOST_P95_MS = 100.0
LEAST_RATE = 1.0
STREAMING = {NATIVE: NATIVE, AGAIN: NATIVE, "plan": "plan", "threads": "threads"}
PLAIN = {NATIVE: NATIVE, "threads": "threads", "blocking": "blocking"}
"""The blocking arm stands still in the first stream that is open: it is compared without any."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How slow everything around is, and how the greatest rate is looked for."""

    streams: int = 20
    events_a_second: float = 2.0
    outside_seconds: float = 0.3
    model_pause_ms: float = 10.0
    workers: int = 8
    conversations: int = 200
    start: float = 40.0
    most: float = 2_000.0
    seconds: float = 2.0
    rounds: int = 3
    precision: float = 1.2


def measure_mixed_capacity(site: Site, report: Report, mix: Mix) -> None:
    """With streams the product against threads and the plan; without, against the blocking form."""
    with open_mixed_stage(site, mix) as stage:
        streaming = climb_in_turns(stage, STREAMING, mix.streams, report)
        plain = climb_in_turns(stage, PLAIN, 0, report)
    if (gap := apart(streaming[NATIVE], streaming[AGAIN])) > AGREEMENT:
        report.reject(f"capacity: the A/A pair is {gap:.0%} apart")
    tell(report, "11", streaming, "threads", f"{mix.streams} streams open", target=4)
    tell(report, "11/plan", streaming, "plan", f"{mix.streams} streams open")
    tell(report, "11/blocking", plain, "blocking", "no stream open", target=10)
    tell(report, "11/threads", plain, "threads", "no stream open")


def tell(
    report: Report,
    number: str,
    rates: Mapping[str, Sequence[float]],
    arm: str,
    where: str,
    target: float | None = None,
) -> None:
    """The product's rates over an arm's; one that bears nothing at all counts as the least that is tried."""
    ours, theirs = rates[NATIVE], [max(rate, LEAST_RATE) for rate in rates[arm]]
    report.add(
        Ratio(
            number,
            f"capacity at p95 <= {MOST_P95_MS:g} ms, {where}",
            median(ours) / median(theirs),
            interval(ours, theirs),
            target=target,
            bound=">=",
            unit=f"x {arm}",
            note=f"{median(ours):.0f} requests/s against {median(theirs):.0f}",
        )
    )


@dataclass(frozen=True, slots=True)
class MixedStage:
    """Workers that answer, somebody outside who is slow, and what is to be asked for."""

    site: Site
    streams: StreamStage
    subjects: Subjects
    mix: Mix


@contextlib.contextmanager
def open_mixed_stage(site: Site, mix: Mix) -> Iterator[MixedStage]:
    """Workers on the site's servers, who answer what is asked of any arm."""
    emails = make_people(site)
    subjects = make_subjects(site.engine, site.user_id, small_project(site), emails, asked=mix.conversations)
    with (
        open_workers(site.settings, at_once=mix.workers, pause_ms=mix.model_pause_ms),
        open_stage(site) as streams,
    ):
        site.outside.ask("pause", seconds=mix.outside_seconds)
        yield MixedStage(site, streams, subjects, mix)
        site.outside.ask("pause", seconds=0.0)


def climb_in_turns(
    stage: MixedStage, arms: Mapping[str, str], streams: int, report: Report
) -> dict[str, list[float]]:
    """The greatest rate of each arm, round by round; within a round the arms take turns trial by trial."""
    rates: dict[str, list[float]] = {name: [] for name in arms}
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(open_servers(arms, stage.site.settings))
        players = {
            name: stack.enter_context(Player(stage, f"{name}, {streams} streams", server, streams))
            for name, server in servers.items()
        }
        for player in players.values():
            player.warm_up()
        for number in range(stage.mix.rounds):
            searches = {name: search_from(stage.mix, rates[name]) for name in arms}
            while not all(search.is_over for search in searches.values()):
                for name, search in searches.items():
                    if not search.is_over:
                        trial = players[name].try_rate(search.rate)
                        report.note_level(
                            name,
                            f"{streams} streams, round {number + 1}, {search.rate:.1f}/s",
                            trial.as_dict(),
                        )
                        search.note(trial.is_borne)
            for name, search in searches.items():
                rates[name].append(search.best)
                report.note_level(name, f"{streams} streams, round {number + 1}", {"rate": search.best})
    return rates


def search_from(mix: Mix, former: Sequence[float]) -> RateSearch:
    """A search that begins where the last one ended."""
    start = former[-1] if former and former[-1] else mix.start
    return RateSearch(start, least=LEAST_RATE, most=mix.most, precision=mix.precision)


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate, and what came of it."""

    outcome: Outcome
    stream_p95_ms: float
    rate: float

    @property
    def is_borne(self) -> bool:
        """Whether requests and events were in time, and every answer right."""
        late = max(self.outcome.p(95), self.stream_p95_ms)
        return not self.outcome.is_given_up and not self.outcome.errors and late <= MOST_P95_MS

    def as_dict(self) -> dict[str, object]:
        """For JSON. What goes wrong beyond an arm's capacity is what is looked for, and no error of the run."""
        p95 = {
            f"{kind}_p95_ms": sorted(seconds)[len(seconds) * 95 // 100] * 1e3
            for kind, seconds in self.outcome.latencies.items()
        }
        return {
            "requests": len(self.outcome.all),
            "is_borne": self.is_borne,
            "is_given_up": self.outcome.is_given_up,
            "beyond_capacity": self.outcome.errors,
            "p95_ms": self.outcome.p(95),
            "stream_p95_ms": self.stream_p95_ms,
            **p95,
        }


class Player:
    """One arm's trials, inside ``with``; its connections and streams stay open from one to the next."""

    def __init__(self, stage: MixedStage, name: str, server: ArmServer, streams: int) -> None:
        self._stage = stage
        self._runner = asyncio.Runner()
        self._loop = OpenLoop(Address(HOST, server.port, "", server))
        self._traffic = traffic_of(stage.subjects, stage.site.token, stage.mix.outside_seconds)
        self._calm = reading("/info", stage.subjects.read[0], signed_in(stage.site.token))
        self._audience: Audience | None = stage.streams.seat(name, server, streams) if streams else None

    def warm_up(self) -> None:
        """Every kind of request, before the clock counts."""
        self._play(20.0, min(1.0, self._stage.mix.seconds))

    def try_rate(self, rate: float) -> Trial:
        """So many requests a second, while the streams have their events; an arm that was overrun may recover first."""
        self._runner.run(self._loop.settle(self._calm))
        outcome, stream_p95_ms = self._play(rate, self._stage.mix.seconds)
        return Trial(outcome, stream_p95_ms, rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._audience is not None and kind is None:
            self._stage.streams.leave(self._audience.name)
        self._loop.close()
        self._runner.close()

    def _play(self, rate: float, seconds: float) -> tuple[Outcome, float]:
        speakers, mix = self._stage.streams.speakers, self._stage.mix
        if self._audience is not None:
            run_ids = self._audience.run_ids
            speakers.tell(
                "speak", run_ids=run_ids, per_second=mix.events_a_second * len(run_ids), seconds=seconds
            )
        outcome = self._runner.run(self._loop.play(self._traffic, rate, seconds))
        return outcome, self._stream_p95_ms(speakers.hear()) if self._audience is not None else 0.0

    def _stream_p95_ms(self, events: int) -> float:
        assert self._audience is not None
        try:
            self._stage.streams.await_all(self._audience, events)
        except RuntimeError:  # a reader's patience ended
            return float("inf")
        told = self._stage.streams.readers.ask("collect", group=self._audience.name)
        return float(told.get("p95_ms", 0.0))
