"""Signing in from a terminal to a server that somebody else runs."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.support.live_api import serving
from tests.support.visitors import GOOD_PASSWORD, sign_up
from typer.testing import CliRunner, Result

from riverrun.__main__ import app
from riverrun.cli.app import COMMANDS
from riverrun.infra.settings import Settings

BOB = "bob@example.org"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls ``riverrun ...`` as somebody on another machine."""
    for name in ("URL", "TOKEN", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(f"RIVERRUN_{name}", raising=False)
    monkeypatch.setenv("RIVERRUN_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words, typed="": CliRunner().invoke(app, list(words), input=typed)


@pytest.fixture
async def base_url(settings: Settings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        await sign_up(url, BOB)
        yield url


async def test_who_signs_in_can_use_the_other_commands(base_url: str, run: Run, tmp_path: Path) -> None:
    assert run("runs").exit_code == 3
    result = await asyncio.to_thread(run, "login", f"{base_url}/", "--email", BOB, typed=f"{GOOD_PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert GOOD_PASSWORD not in result.output
    assert "no runs yet" in (await asyncio.to_thread(run, "runs")).output
    written = tmp_path / "mine" / "client.json"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700


async def test_a_wrong_password_is_told_and_nothing_is_written(
    base_url: str, run: Run, tmp_path: Path
) -> None:
    result = await asyncio.to_thread(run, "login", base_url, typed=f"{BOB}\nwrong, surely\n")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "riverrun login" not in result.output, "whoever has just tried that needs another advice"
    assert not (tmp_path / "mine").exists()


def test_an_address_that_is_none_is_refused(run: Run) -> None:
    result = run("login", "riverrun.example", "--email", BOB, typed="x\n")
    assert result.exit_code == 1
    assert "is no http or https address" in result.output


def test_an_address_that_is_none_is_refused_before_anything_is_asked(run: Run) -> None:
    result = run("login", "ftp://riverrun.example", typed=f"{BOB}\nx\n")
    assert (result.exit_code, "E-mail" in result.output) == (1, False)
    assert "riverrun: ftp://riverrun.example is no http or https address" in result.output


def test_the_release_is_told(run: Run) -> None:
    shown = run("--version")
    assert (shown.exit_code, shown.output) == (0, f"riverrun {version('riverrun')}\n")


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").output
    assert [name for name in COMMANDS if f" {name} " not in shown] == []
