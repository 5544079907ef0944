"""The plan's step 4: signing in by a password that somebody outside looks at, who takes 50 ms for it.

Only on servers of its own: a running one would ask a provider that is none of ours.
"""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.people import in_turns, make_people
from bench.report import Report
from bench.scenario import Scenario, has_fields
from bench.site import Site

NAME = "login"
OUTSIDE_SECONDS = 0.05
CREDENTIALS = b'{"email": "{each}", "password": "any will do"}'


def prepare(site: Site) -> Mapping[str, str]:
    """Somebody outside who is slow."""
    site.outside.ask("pause", seconds=OUTSIDE_SECONDS)
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """One sign-in, each of another person."""
    if site is None:
        return ()
    people = in_turns(make_people(site))
    return (Scenario("login", "/api/v1/login", has_fields("token"), "POST", CREDENTIALS, each=people),)


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
