"""Benchmark 8: GET of a conversation (sign-in, query, JSON), and its levels. ``CONVERSATION_ID`` names one of a running server."""

import sys
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from bench.harness import main
from bench.report import Report
from bench.request_tax import Requests, measure_request_tax
from bench.scenario import Scenario, has_fields
from bench.site import Site
from riverrun.conversations.models import Conversation
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project

NAME = "request_tax"


def prepare(site: Site) -> Mapping[str, str]:
    """A conversation about a repository that is there."""
    project = Project(
        id=new_uuid(),
        user_id=site.user_id,
        repo_name="empty",
        source="/nowhere",
        status="ready",
        branch_name="",
        files=0,
        symbols=0,
    )
    conversation = Conversation(
        id=new_uuid(),
        user_id=site.user_id,
        title="A benchmark",
        project_ids=[project.id],
        agent_ids=["agent"],
    )
    with Session(site.engine) as session, session.begin():
        session.add_all([project, conversation])
        return {"CONVERSATION_ID": str(conversation.id)}


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
