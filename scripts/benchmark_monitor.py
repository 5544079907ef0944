"""The event-loop monitor: CPU of a look at a conversation with it over without it, then alarms in ten quiet minutes."""

import sys
from collections.abc import Mapping, Sequence

import benchmark_request_tax as look
from bench.harness import main
from bench.monitor_cost import Watch, count_alarms, measure_cost
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

NAME = "monitor"
SMOKE = Watch(at_once=2, starts=1, rounds=2, in_a_row=2, quiet_seconds=1.0)


def prepare(site: Site) -> Mapping[str, str]:
    """A conversation to look at."""
    return look.prepare(site)


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: other arms have the same monitor."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """The cost first."""
    plan = SMOKE if smoke else Watch()
    for scenario in look.scenarios(prepare(site), site):
        measure_cost(site, report, scenario, plan)
    count_alarms(site, report, plan)


if __name__ == "__main__":
    main(sys.modules[__name__])
