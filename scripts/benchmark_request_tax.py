"""Benchmark 8: GET of a conversation (sign-in, query, JSON), and its levels. ``CONVERSATION_ID`` names one of a running server."""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.questions import fresh_conversations
from bench.report import Report
from bench.request_tax import Requests, measure_request_tax
from bench.scenario import Scenario, has_fields
from bench.site import Site
from bench.workers import small_project

NAME = "request_tax"


def prepare(site: Site) -> Mapping[str, str]:
    """A conversation about a repository that is there."""
    [conversation_id] = fresh_conversations(site, small_project(site), 1)
    return {"CONVERSATION_ID": conversation_id}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """One look at the conversation."""
    path = f"/api/v1/conversations/{names['CONVERSATION_ID']}/info"
    return (Scenario("conversation", path, has_fields("id", "total_messages", "run_id", "hides_sources")),)


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """The same look, raw."""
    plan = Requests(at_once=2, rounds=3) if smoke else Requests()
    for scenario in scenarios(prepare(site), site):
        measure_request_tax(site, report, scenario, plan)


if __name__ == "__main__":
    main(sys.modules[__name__])
