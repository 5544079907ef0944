"""What strangers call themselves and their things is shown to an operator's terminal, which must not obey it."""

from contextlib import nullcontext
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
import typer
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from riverrun.cli import index, keys, orgs, runs, usage_commands, users
from riverrun.cli.client_errors import ApiProblem
from riverrun.cli.loop import show_loop
from riverrun.cli.terminal import ends_in_words, plain_text
from riverrun.infra.loop_report import LoopReport, Place, Stall
from riverrun.kit.clock import now
from riverrun.users.models import User

NASTY = "\\[/x]eve\x1b[2J\x1b]0;pwned\x07\x9b31m\u202egro.elpmaxe\u2066\rroot\nadmin"
SHOWN = "\\[/x]eve[2J]0;pwned31mgro.elpmaxe root admin"
DAY = "2026-11-24T13:20:18.123456Z"


def printed(what: RenderableType) -> str:
    shown = StringIO()
    Console(file=shown, width=300).print(what)
    return shown.getvalue()


def assert_harmless(words: str) -> None:
    assert SHOWN in words
    assert not set(words) & set("\x1b\x07\x9b\r\u202e\u2066")


def test_text_is_plain_and_in_one_line_and_keeps_its_letters() -> None:
    assert plain_text(NASTY).plain == SHOWN
    assert plain_text("Zoë 漢字 😀 [bold]x[/]", "red").plain == "Zoë 漢字 😀 [bold]x[/]"
    assert plain_text("\ud800").plain == "�"


def test_users() -> None:
    user = User(email=f"{NASTY}@example.org", display_name=NASTY, created_at=now())
    assert_harmless(printed(users._table([user])))


def test_organisations() -> None:
    organisation = {"id": str(uuid4()), "name": NASTY, "role": "owner"}
    assert_harmless(printed(orgs._table([(organisation, [{"email": NASTY, "role": "member"}])])))


def test_keys() -> None:
    key = {"id": "1", "name": NASTY, "hint": "sk", "scopes": [], "created_at": DAY, "last_used_at": None}
    assert_harmless(printed(keys._table([key])))


@pytest.mark.parametrize("told", [{"title": NASTY}, {"error": {"title": NASTY}}])
def test_runs(told: dict[str, object]) -> None:
    run = {"run_id": "1", "kind": "indexing", "status": "error", "created_at": DAY, **told}
    assert_harmless(printed(runs._table([run])))


def test_requests_that_blocked_the_loop() -> None:
    report = LoopReport()
    report.add_stall(Stall(now(), 300.0, 3.0, Place("app.py:12", f"/{NASTY}", "GET", "r1", "u1"), ()))
    shown = StringIO()
    show_loop(Console(file=shown, width=300), report.document(), has_stacks=True)
    assert_harmless(shown.getvalue())


@pytest.mark.parametrize("command", ["users", "limits"])
def test_usage(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = {"holder": "organisation", "name": NASTY, "plan": None, **dict.fromkeys(usage_commands.NUMBERS)}
    client = SimpleNamespace(
        usage_by_user=lambda: [{"email": NASTY, "questions": 1, "tokens": 1}], usage_limits=lambda: [limit]
    )
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(usage_commands, "open_client", lambda: nullcontext(client))
    assert_harmless(CliRunner().invoke(usage_commands.usage, [command]).output)


def test_an_indexed_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    project = {"repo_name": NASTY, "commit_id": None, "files": 1, "symbols": 1}
    monkeypatch.setattr(index, "open_client", nullcontext)
    monkeypatch.setattr(index, "index_with_progress", lambda *_: project)
    program = typer.Typer()
    program.command()(index.index)
    assert_harmless(CliRunner().invoke(program, ["."]).output)


def test_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    @ends_in_words
    def command() -> None:
        raise ApiProblem(409, NASTY)

    with pytest.raises(typer.Exit):
        command()
    assert_harmless(capsys.readouterr().err)
