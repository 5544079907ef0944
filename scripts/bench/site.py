"""What all arms of a benchmark share: the servers, the tables, an administrator with a token, somebody outside."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Engine

from bench.child import Child
from bench.run_rows import insert_running_runs
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.migrations import upgrade

FIREBASE_PROJECT = "demo-benchmark"
"""Where people's passwords are looked at: by ``bench.slow_outside``."""


@dataclass(frozen=True, slots=True)
class Site:
    """Embedded servers with migrated tables, ready for any number of API processes. Nobody's rate is limited.

    ``outside`` is the fake identity provider that they ask about passwords.
    """

    settings: Settings
    engine: Engine
    user_id: UUID
    token: str
    pids: dict[str, int]
    outside: Child

    def new_runs(self, count: int) -> list[str]:
        """Ids of so many new running runs of the administrator."""
        return [str(run_id) for run_id in insert_running_runs(self.engine, self.user_id, count)]

    def changed(self, **settings: Any) -> Self:
        """The same with other settings for those who are started on it."""
        return replace(self, settings=self.settings.model_copy(update=settings))


@contextlib.contextmanager
def open_site() -> Iterator[Site]:
    """A site in a folder of its own, gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="riverrun-bench-") as folder,
        EmbeddedServers.start(Path(folder)) as servers,
        Child("bench.slow_outside") as outside,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url, pool_size=2)
        user_id = ensure_administrator(engine)
        settings = Settings(
            data_dir=Path(folder),
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            model=None,
            **without_limits(),
            **asking_outside(outside.ask("open", project_id=FIREBASE_PROJECT)),
        )
        try:
            token = issue_bearer_token(engine, user_id, "benchmark")
            yield Site(settings, engine, user_id, token, servers.pids, outside)
        finally:
            engine.dispose()


def without_limits() -> dict[str, Any]:
    """Anybody may come, and everything as often as they like."""
    rates = (
        "posts_per_minute",
        "streams_per_minute",
        "logins_per_minute_per_account",
        "logins_per_minute_per_address",
        "sign_ups_per_hour_per_address",
    )
    return {"sign_up": "open", **dict.fromkeys(rates, 0)}


def asking_outside(port: int) -> dict[str, Any]:
    """Passwords that are not kept here are looked at there."""
    return {
        "firebase_project_id": FIREBASE_PROJECT,
        "firebase_emulator": f"127.0.0.1:{port}",
        "google_identity_tool_kit_key": SecretStr("none"),
    }
