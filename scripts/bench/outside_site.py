"""A site whose servers have their passwords looked at by a fake identity provider outside, and put up with its pauses."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from bench.child import Child
from bench.site import Site

PROJECT = "demo-benchmark"


@dataclass(frozen=True, slots=True)
class OutsideSite:
    """The site, and what is outside of it."""

    site: Site
    outside: Child


@contextlib.contextmanager
def open_outside(site: Site, **settings: Any) -> Iterator[OutsideSite]:
    """The same site with the provider, without limits for sign-ins, and with other ``settings``."""
    with Child("bench.slow_outside") as outside:
        port = outside.ask("open", project_id=PROJECT)
        changed = {
            "firebase_project_id": PROJECT,
            "firebase_emulator": f"127.0.0.1:{port}",
            "google_identity_tool_kit_key": SecretStr("none"),
            "sign_up": "open",
            "logins_per_minute_per_account": 0,
            "logins_per_minute_per_address": 0,
            "sign_ups_per_hour_per_address": 0,
            **settings,
        }
        yield OutsideSite(replace(site, settings=site.settings.model_copy(update=changed)), outside)
