"""Servers with readers, and a voice for their runs: what every benchmark of streams is played on."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.arm_server import HOST, ArmServer, Usage
from bench.child import Child
from bench.site import Site
from bench.spares import SPARES

CONNECTED_AT_ONCE = 500


@dataclass(slots=True)
class Audience:
    """The readers of one server, one for each run. ``heard`` counts what they have been sent so far."""

    name: str
    server: ArmServer
    run_ids: list[str]
    heard: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """What happened while the runs of one audience spoke."""

    events: int
    usage: Usage
    delays: dict[str, float]

    @property
    def cpu_us_an_event(self) -> float:
        """The server's CPU, in microseconds for each event that reached a reader."""
        return self.usage.cpu_seconds * 1e6 / self.events

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "requests": self.events,
            "errors": 0,
            **{name: round(value, 3) for name, value in self.delays.items()},
            "cpu_us_an_event": round(self.cpu_us_an_event, 3),
            "rss_bytes": self.usage.rss_bytes,
            "threads": self.usage.threads,
            "blocked_ms": round(self.usage.blocked_ms, 3),
            "worst_lag_ms": round(self.usage.worst_lag_ms, 3),
        }


class StreamStage:
    """The processes of readers and of the voice; every audience is theirs."""

    def __init__(self, site: Site, readers: Child, speakers: Child) -> None:
        self.site = site
        self.readers = readers
        self.speakers = speakers

    def seat(self, name: str, server: ArmServer, count: int) -> Audience:
        """So many readers on a server, each of a new run that has said its first event."""
        audience = Audience(name, server, [])
        self.add(audience, count)
        return audience

    def add(self, audience: Audience, count: int) -> None:
        """So many more."""
        for start in range(0, count, CONNECTED_AT_ONCE):
            run_ids = self.new_runs(min(CONNECTED_AT_ONCE, count - start))
            self.connect(audience.name, audience.server, run_ids)
            audience.run_ids += run_ids
            if replays(audience.server):
                audience.heard += len(run_ids)
                self.readers.ask("heard", group=audience.name, total=audience.heard)

    def new_runs(self, count: int) -> list[str]:
        """Runs that have said their first event."""
        run_ids = self.site.new_runs(count)
        self.speakers.ask("prepare", redis_url=self.site.settings.redis_url, run_ids=run_ids)
        return run_ids

    def connect(self, name: str, server: ArmServer, run_ids: list[str], cursor: str = "0-0") -> Any:
        """A reader for each run."""
        address = {"host": HOST, "port": server.port, "token": self.site.token}
        return self.readers.ask("connect", group=name, run_ids=run_ids, cursor=cursor, **address)

    def play(self, audience: Audience, per_stream: float, seconds: float) -> Round:
        """Let the runs speak, so many events a second each, and wait until all was heard."""
        self.readers.ask("collect", group=audience.name)
        audience.server.look()
        per_second = per_stream * len(audience.run_ids)
        events = self.speakers.ask("speak", run_ids=audience.run_ids, per_second=per_second, seconds=seconds)
        self.await_all(audience, events)
        usage = audience.server.look()
        told = self.readers.ask("collect", group=audience.name)
        return Round(told.pop("events"), usage, told)

    def await_all(self, audience: Audience, events: int) -> Any:
        """Wait until so many more events were heard; the answer names the moment."""
        audience.heard += events
        return self.readers.ask("heard", group=audience.name, total=audience.heard)

    def end(self, audience: Audience) -> int:
        """End all runs of an audience; how many readers did not have exactly what was said."""
        self.speakers.ask("end", run_ids=audience.run_ids)
        told = self.readers.ask("finish", group=audience.name)
        return int(told["readers"] - told["exact"])

    def leave(self, name: str) -> None:
        """Hang up an audience."""
        self.readers.ask("close", group=name)


def replays(server: ArmServer) -> bool:
    """Whether a server sends what was said before: the raw ones do not."""
    return not server.arm.startswith("raw")


@contextlib.contextmanager
def open_stage(site: Site) -> Iterator[StreamStage]:
    """Readers and a voice, ended afterwards."""
    voice = partial(Child, "bench.speakers")
    with Child("bench.stream_readers") as readers, SPARES.lent("speakers", voice) as speakers:
        yield StreamStage(site, readers, speakers)
