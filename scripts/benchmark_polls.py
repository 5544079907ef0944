"""Benchmark 13, and the levels of the polls: active-session and task-status."""

import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from bench.harness import main
from bench.poll_cost import Polls, measure_poll_cost
from bench.report import Report
from bench.scenario import Scenario, has_fields
from bench.site import Site
from riverrun.conversations.models import Conversation
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run

NAME = "polls"


def prepare(site: Site) -> Mapping[str, str]:
    """A conversation with a run under way."""
    run_id = UUID(site.new_runs(1)[0])
    with Session(site.engine) as session, session.begin():
        conversation = Conversation(
            user_id=site.user_id,
            title="A benchmark",
            project_ids=[new_uuid()],
            agent_ids=["code_agent"],
            local_mode=False,
        )
        session.add(conversation)
        session.flush()
        session.execute(update(Run).where(Run.id == run_id).values(subject_id=conversation.id))
        return {"CONVERSATION_ID": str(conversation.id)}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Both polls of one conversation whose run is under way."""
    base = f"/api/v1/conversations/{names['CONVERSATION_ID']}"
    return (
        Scenario("active-session", f"{base}/active-session", has_fields("sessionId", "status", "cursor")),
        Scenario("task-status", f"{base}/task-status", has_fields("status")),
    )


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """The same polls beside a million keys of others."""
    plan = Polls(many=10_000, asked=5, rounds=2) if smoke else Polls()
    measure_poll_cost(site, report, scenarios(prepare(site), site), plan)


if __name__ == "__main__":
    main(sys.modules[__name__])
