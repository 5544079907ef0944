"""The application that the matrix asks: the whole of it, on real servers, with nothing that counts how often it is asked."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from sqlalchemy import Engine
from tests.authz.calls import KNOCKER
from tests.authz.matrix import Matrix
from tests.support.live_api import client_of, serving
from tests.support.unsigned_tokens import DEMO_PROJECT
from tests.support.visitors import GOOD_PASSWORD

from riverrun.infra.settings import Settings
from riverrun.main import create_app

RATES = [name for name in Settings.model_fields if "_per_minute" in name or "_per_hour" in name]


def settings_without_rates(database_url: str, redis_url: str) -> Settings:
    """Everybody may sign up, as often as they like."""
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        allow_local_paths=True,
        sign_up="open",
        firebase_project_id=DEMO_PROJECT,
        firebase_emulator="127.0.0.1:9",  # nobody is there, nor needed: an emulator's tokens are not signed
        **dict.fromkeys(RATES, 0),
    )


@contextlib.asynccontextmanager
async def open_matrix(
    settings: Settings, engine: Engine, app: FastAPI | None = None
) -> AsyncIterator[Matrix]:
    """The matrix over an application that serves while the block lasts."""
    async with serving(settings, app or create_app(settings)) as base_url, client_of(base_url) as client:
        new = {"email": KNOCKER, "password": GOOD_PASSWORD}
        (await client.post("/api/v1/signup", json=new)).raise_for_status()
        client.cookies.clear()
        yield Matrix(client, engine)
