"""What an operator may write wrongly, told by the command itself in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.support.revisions import NEWER, OLDER, set_revision

from riverrun.cli.terminal import ends_in_words
from riverrun.infra.settings import Settings


def line_about(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setenv(variable, value)
    with pytest.raises(typer.Exit) as ended:
        ends_in_words(lambda: Settings(_env_file=None))()
    assert ended.value.exit_code == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("variable", "value"),
    [("RIVERRUN_PLANS", '{"a": {"questions_per_day": 5}'), ("RIVERRUN_OIDC_PROVIDERS", "{'a': 's3cret'}")],
)
def test_json_that_is_none_is_named_and_not_quoted(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = line_about(variable, value, monkeypatch, capsys)
    assert line.startswith(f"riverrun: {variable} is not valid JSON (")
    assert "line 1 column" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RIVERRUN_PLANS", '{"aB": {"questions_per_day": "x"}}', "RIVERRUN_PLANS: aB.questions_per_day: "),
        ("RIVERRUN_OIDC_PROVIDERS", '{"google": 1}', "RIVERRUN_OIDC_PROVIDERS: google: "),
        ("RIVERRUN_TRUSTED_PROXIES", "x", "RIVERRUN_TRUSTED_PROXIES: 0: Input is not a valid IPv4 network"),
        ("RIVERRUN_PORT", "abc", "RIVERRUN_PORT: Input should be"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable_and_its_place_inside(
    variable: str,
    value: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = line_about(variable, value, monkeypatch, capsys)
    assert line.startswith(f"riverrun: {words}")
    assert "LAX" not in line.upper()


def ended(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A ``riverrun`` in an empty folder and home, that knows of no server but by these variables."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RIVERRUN_")}
    return subprocess.run(
        [sys.executable, "-m", "riverrun", *arguments],
        cwd=tmp_path,
        env=bare | {"HOME": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("process", ["api", "worker"])
def test_a_process_without_servers_says_which_setting_is_missing(process: str, tmp_path: Path) -> None:
    told = ended(tmp_path, process)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert told.stderr.splitlines()[-1].startswith("riverrun: RIVERRUN_")
    assert "run `riverrun up`" in told.stderr


@pytest.mark.parametrize("how", [(), ("--supervised",)])
def test_an_unknown_queue_is_told_with_those_that_there_are(how: tuple[str, ...], tmp_path: Path) -> None:
    told = ended(tmp_path, "worker", "--queues", "nope", *how)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "riverrun: There is no queue nope; there are chats and indexing." in told.stderr


@pytest.mark.parametrize(
    ("revision", "command", "advice"),
    [
        (OLDER, ("worker", "--queues", "chats", "--supervised"), "run riverrun migrate"),
        (NEWER, ("worker", "--queues", "chats", "--supervised"), "install that one"),
        (NEWER, ("migrate",), "install that one"),
        (NEWER, ("up", "--port", "0"), "install that one"),
    ],
)
def test_tables_of_another_release_are_told_in_one_line(
    revision: str, command: tuple[str, ...], advice: str, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    set_revision(database_url, revision)
    servers = {"RIVERRUN_DATABASE_URL": database_url, "RIVERRUN_REDIS_URL": redis_url}
    told = ended(tmp_path, *command, **servers)
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    last = told.stderr.splitlines()[-1]
    assert f"(revision {revision})" in last
    assert last.endswith(advice)
