"""The plan's step 1, its five measures: questions answered by a stream, both polls, blocking drivers against async ones, and
for each level p50, p95, p99, requests a second and how long the event loop was blocked.

On a running server ``CONVERSATION_ID`` names a conversation in which something is under way.
"""

import sys
from collections.abc import Mapping, Sequence

import benchmark_polls as polls
from bench.harness import main
from bench.questions import asking
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.workers import small_project

NAME = "redis_async"
NEEDS_WORKERS = True


def prepare(site: Site) -> Mapping[str, str]:
    """A repository to ask about, and a conversation with a run under way."""
    return {"PROJECT_ID": str(small_project(site)), **polls.prepare(site)}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Measures 1 to 3, the dearest last; the harness adds the others."""
    return (*polls.scenarios(names, site), asking(names, site))


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
