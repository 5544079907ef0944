"""Benchmark 9: what SQLAlchemy Core costs beside the driver alone when events are recorded by the hundred."""

import sys
from collections.abc import Mapping, Sequence

from bench.database_tax import Batches, measure_database_tax
from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site

NAME = "database_tax"


def prepare(site: Site) -> Mapping[str, str]:
    """The benchmark makes its own runs."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """None: there is no server between."""
    return ()


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """Both in turns."""
    measure_database_tax(site, report, Batches(10, 2, 2) if smoke else Batches())


if __name__ == "__main__":
    main(sys.modules[__name__])
