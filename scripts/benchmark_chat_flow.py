"""The plan's step 2b: questions whose answers are read to their end, database writes included, and stops that save.

On a running server ``CONVERSATION_ID`` names the conversation in which is asked and stopped.
"""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.questions import asking, stopping
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.workers import small_project

NAME = "chat_flow"
NEEDS_WORKERS = True


def prepare(site: Site) -> Mapping[str, str]:
    """A repository to ask about."""
    return {"PROJECT_ID": str(small_project(site))}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """One question or stop a conversation."""
    return (asking(names, site), stopping(names, site))


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
