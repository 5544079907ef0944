"""Benchmarks 1, 2, 3, 4, 6 and 12: what streams cost, how late they are, how many there can be, and storms."""

import sys
from collections.abc import Mapping, Sequence

from bench.arm_server import is_offered
from bench.chaos_tax import Chaos, measure_chaos_tax
from bench.fan_out import FanOut, measure_fan_out
from bench.few_streams import FewStreams, measure_few_streams
from bench.harness import main
from bench.reconnect_storm import Storm, measure_storm
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.stream_capacity import Capacity, measure_capacity
from bench.stream_memory import Memory, measure_memory

NAME = "streams"


def prepare(site: Site) -> Mapping[str, str]:
    """Each benchmark makes its own runs."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: a stream is no request with one answer."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """One after the other; each starts its own servers."""
    if smoke:
        fan_out, memory = FanOut(10, 10, 0.3, 1), Memory(20, 2, 0.2)
        storm, chaos = Storm(10, 20, 1), Chaos(10, 20, 0.7, 1)
        capacity, few = Capacity((20,), (5,), (5,), 1), FewStreams(5, 10, 0.3, 1, 10)
    else:
        fan_out, memory, storm, chaos = FanOut(), Memory(), Storm(), Chaos()
        capacity, few = Capacity(), FewStreams()
    measure_fan_out(site, report, fan_out)
    measure_memory(site, report, memory)
    measure_storm(site, report, storm)
    measure_chaos_tax(site, report, chaos)
    measure_few_streams(site, report, few)
    measure_capacity(site, report, capacity, with_plan=is_offered("plan"))


if __name__ == "__main__":
    main(sys.modules[__name__])
