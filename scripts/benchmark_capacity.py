"""Benchmark 11: how many mixed requests a second each arm answers in time, beside streams, slow models and slow peers."""

import sys
from collections.abc import Mapping, Sequence

from bench.capacity import Mix, measure_mixed_capacity
from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

NAME = "capacity"


def prepare(site: Site) -> Mapping[str, str]:
    """The benchmark makes what it needs."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: its requests leave at a rate, whether others were answered or not."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """The search on every arm."""
    measure_mixed_capacity(site, report, Mix() if not smoke else SMOKE)


SMOKE = Mix(streams=3, workers=1, conversations=10, start=20, most=20, seconds=0.3, rounds=1)


if __name__ == "__main__":
    main(sys.modules[__name__])
