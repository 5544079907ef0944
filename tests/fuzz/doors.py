"""Who a request comes from, and how a door is knocked at without a key that fits."""

import random
from collections.abc import Mapping

from tests.authz.calls import CALLS
from tests.fuzz.ground import Ground

from riverrun.auth.dependencies import LINK_HEADER, SESSION_COOKIE
from riverrun.kit.ids import new_uuid

PRINCIPALS = {"owner": 12, "administrator": 4, "viewer": 1, "colleague": 1, "stranger": 1}
"""Who asks, and how often. The owner's requests reach the rows."""
PREFIXES = {"v1": "/api/v1", "v2": "/api/v2"}


def version_of(path: str) -> str:
    """Which version of the API a path belongs to; ``v1`` also for what lies beside the versions."""
    return "v2" if path.startswith(PREFIXES["v2"]) else "v1"


def call_name(method: str, path: str) -> str:
    """The route as ``tests.authz.calls`` names it."""
    return f"{method.upper()} {path.removeprefix(PREFIXES[version_of(path)])}"


def credentials(ground: Ground, principal: str, method: str, path: str) -> dict[str, str]:
    """What ``principal`` sends along; a key that the route is the end of is a spare one."""
    if (call := CALLS.get(call_name(method, path))) and call.spends_token:
        return {"authorization": f"Bearer {ground.rows.spare_token}"}
    return ground.people.headers(principal, version_of(path), ground.rows.links, ground.base_url)


def wrong_credentials(ground: Ground, path: str, dice: random.Random) -> Mapping[str, str]:
    """What opens nothing here: each of these is 401."""
    doors, other = ("v2", "v1") if version_of(path) == "v2" else ("v1", "v2")
    right = ground.people.doors["owner"][doors]
    name, value = next(iter(right.items()))
    place = dice.randrange(value.find(" ") + 1, len(value))
    garbled = value[:place] + ("a" if value[place] != "a" else "b") + value[place + 1 :]
    knocks: tuple[Mapping[str, str], ...] = (
        {},
        {name: ""},
        {name: garbled},
        {name: value[:-1]},
        {name: value + "x"},
        {"authorization": "Basic b3duZXI6b3duZXI="},
        {"cookie": f"{SESSION_COOKIE}={new_uuid().hex}", "origin": ground.base_url},
        ground.people.doors["owner"][other],
        ground.people.elsewhere["revoked_key"],
        ground.people.headers("expired_session", doors, {}, ground.base_url),
        {"authorization": "Bearer nothing", LINK_HEADER: "nothing"},
    )
    return dice.choice(knocks)
