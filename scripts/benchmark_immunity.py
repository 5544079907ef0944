"""Benchmark 7: a route without I/O, and streams, beside 64 requests that hang in a dependency outside."""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.immunity import Hang, measure_immunity
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

NAME = "immunity"


def prepare(site: Site) -> Mapping[str, str]:
    """The benchmark makes what it needs."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: what is asked beside what hangs is no level."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """Idle and hung in turns."""
    measure_immunity(site, report, SMOKE if smoke else Hang())


SMOKE = Hang(hanging=3, streams=2, per_second=20.0, seconds=0.5, rounds=1, most_seconds=0.0)


if __name__ == "__main__":
    main(sys.modules[__name__])
