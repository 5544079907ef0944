"""The plan's step 2b: stops that save what was said. Questions, database writes included, are those of ``benchmark_redis_async.py``.

On a running server ``CONVERSATION_ID`` names the conversation in which is stopped.
"""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.questions import stopping
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.workers import small_project

NAME = "chat_flow"


def prepare(site: Site) -> Mapping[str, str]:
    """A repository to ask about."""
    return {"PROJECT_ID": str(small_project(site))}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """One stop a conversation."""
    return (stopping(names, site),)


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
