"""`riverrun usage`, as a person types it."""

import os
import subprocess
import sys
from collections.abc import Callable

import httpx2
import pytest

from riverrun.cli.stack import Stack

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(stack: Stack) -> Typed:
    """The command with these arguments, on the stack."""
    environment = {**os.environ, "RIVERRUN_DATA_DIR": str(stack.settings.data_dir), "COLUMNS": "100"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "riverrun", "usage", *arguments],
            capture_output=True, text=True, timeout=90, check=False, env=environment,
        )  # fmt: skip

    return run


def test_a_limit_is_laid_down_shown_and_taken_back(typed: Typed, http: httpx2.Client) -> None:
    email = http.get("/api/v1/account/me").json()["email"]
    assert typed().stdout.splitlines()[-1] == "no limits"
    laid_down = typed("limit", email, "--questions-per-month", "12345", "--tokens-per-day", "99000000")
    assert (laid_down.returncode, laid_down.stderr) == (0, "")
    try:
        rest = typed().stdout
        assert "questions a month" in rest
        assert "12,345" in rest
        listed = typed("limits").stdout
        assert email in listed
        assert "99,000,000" in listed
    finally:
        assert typed("unlimit", email).stdout == "taken back\n"
    assert "no limits were laid down" in typed("limits").stdout
    assert "12,345" not in typed().stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("limit", "nobody@example.org"), "say a plan or a number"),
        (("limit", "nobody@example.org", "--tokens-per-day", "5"), "Not found"),
        (("limit", "admin@localhost", "--plan", "gold"), "RIVERRUN_PLANS has: nothing"),
        (("unlimit", "no-id", "--kind", "key"), "Not found"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(typed: Typed, arguments: tuple[str, ...], words: str) -> None:
    result = typed(*arguments)
    assert result.returncode == 1
    [line] = result.stderr.strip().splitlines()
    assert words in line


def test_totals_are_listed_by_account(typed: Typed) -> None:
    assert typed("users").returncode == 0
