"""Benchmarks 5 and 10: from a question to its worker's first event, and how fast wake-ups reach the broker."""

import sys
from collections.abc import Mapping, Sequence

from bench.enqueue_rate import Enqueue, measure_enqueue_rate
from bench.first_event import FirstEvent, measure_first_event
from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

NAME = "dispatch"


def prepare(site: Site) -> Mapping[str, str]:
    """Each benchmark makes what it needs."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: a dispatch ends in another process."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """One after the other."""
    measure_enqueue_rate(site, report, Enqueue(100, 2, 200) if smoke else Enqueue())
    measure_first_event(site, report, FirstEvent(3) if smoke else FirstEvent())


if __name__ == "__main__":
    main(sys.modules[__name__])
