"""The plan's step 5: searching a repository. ``PROJECT_ID`` names an indexed one of a running server."""

import sys
from collections.abc import Mapping, Sequence

import orjson

from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.workers import PACKAGE, indexed_project

NAME = "search"
QUERY = "Where does a reader of a stream resume after a lost connection?"


def prepare(site: Site) -> Mapping[str, str]:
    """An indexed repository."""
    return {"PROJECT_ID": str(indexed_project(site, PACKAGE))}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """One question in words; something is found."""
    body = orjson.dumps({"project_id": names["PROJECT_ID"], "query": QUERY})
    return (Scenario("search", "/api/v1/search", lambda found: found["results"], "POST", body),)


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
