"""The plan's step 2a: requests that look into the usage of who asks. ``PROJECT_ID`` names a ready repository of a running server."""

import sys
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy.orm import Session

from bench.harness import main
from bench.report import Report
from bench.scenario import Scenario, has_fields
from bench.site import Site
from bench.workers import small_project
from riverrun.usage.models import HolderKind, UsageLimit

NAME = "usage_check"
A_LOT = 1_000_000_000


def prepare(site: Site) -> Mapping[str, str]:
    """A repository whose index is complete, and limits that hold but do not bind."""
    project_id = small_project(site)
    numbers = {
        f"{what}_per_{period}": A_LOT for what in ("questions", "tokens") for period in ("day", "month")
    }
    limit = UsageLimit(holder_kind=HolderKind.USER, holder_id=site.user_id, **numbers)
    with Session(site.engine) as session, session.begin():
        session.add(limit)
        return {"PROJECT_ID": str(project_id)}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Beginning a conversation checks the limits; usage shows them."""
    body = orjson.dumps({"project_ids": [names["PROJECT_ID"]]})
    created = has_fields("conversation_id")
    return (
        Scenario("usage-check", "/api/v1/conversations", created, "POST", body, status=201),
        Scenario("usage", "/api/v1/usage", has_fields("questions", "tokens", "limits")),
    )


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
