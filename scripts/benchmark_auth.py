"""The plan's step 2d: making an account, signing in by an ID token, and asking by what ways one may sign in.

A running server must let anybody sign up as often as they like; only the first and the last are asked of it.
"""

import sys
from collections.abc import Mapping, Sequence

from bench.harness import main
from bench.people import fresh_id_tokens, make_people, new_addresses
from bench.report import Report
from bench.scenario import Scenario, has_fields
from bench.site import Site

NAME = "auth"
HASHED_AT_ONCE = 10
"""Two passwords at a time are hashed, so more sign-ups only wait longer; more than 42 at once are sent away."""
NEW_ACCOUNT = b'{"email": "{each}", "password": "nine green boats in the harbour"}'
BY_ID_TOKEN = b'{"sso_provider": "firebase", "id_token": "{each}"}'


def prepare(site: Site) -> Mapping[str, str]:
    """Everybody is made when they are needed."""
    return {}


def scenarios(names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
    """Each sign-up is of somebody new; each ID token is used once, by somebody who has an account."""
    opened = has_fields("uid", "token")
    sign_up = Scenario(
        "signup",
        "/api/v1/signup",
        opened,
        "POST",
        NEW_ACCOUNT,
        201,
        new_addresses,
        most_at_once=HASHED_AT_ONCE,
    )
    providers = Scenario("providers-me", "/api/v1/providers/me", has_fields("providers", "primary_provider"))
    if site is None:
        return (sign_up, providers)
    tokens = fresh_id_tokens(make_people(site))
    sso = Scenario("sso-login", "/api/v1/sso/login", is_signed_in, "POST", BY_ID_TOKEN, each=tokens)
    return (sign_up, sso, providers)


def is_signed_in(outcome: Mapping[str, object]) -> bool:
    """Not merely known: let in."""
    return outcome["status"] == "success" and bool(outcome["access_token"])


def experiments(site: Site, report: Report, *, smoke: bool) -> None:
    """None: the levels say it all."""


if __name__ == "__main__":
    main(sys.modules[__name__])
