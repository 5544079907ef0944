"""``riverrun link`` opens a server that ``up`` did not print a link for."""

import os
import subprocess
import sys

import httpx2

from riverrun.cli.stack import Stack


def run_link(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "riverrun", "link"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_link_signs_in_at_a_running_server(stack: Stack) -> None:
    printed = run_link(
        RIVERRUN_DATABASE_URL=stack.settings.require_database_url(), RIVERRUN_PUBLIC_URL=stack.base_url
    )
    with httpx2.Client(follow_redirects=False) as browser:
        assert browser.get(printed.stdout.strip()).status_code == 303
        assert browser.get(f"{stack.base_url}/api/v1/account/me").json()["is_administrator"] is True


def test_the_link_leads_to_the_port_that_the_running_stack_was_given(stack: Stack) -> None:
    printed = run_link(RIVERRUN_DATA_DIR=str(stack.settings.data_dir))
    assert printed.stdout.startswith(f"{stack.base_url}/sign-in?token=rr_")
    assert httpx2.get(printed.stdout.strip()).status_code == 303


def test_a_database_that_does_not_answer_is_one_line() -> None:
    failed = run_link(RIVERRUN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr + failed.stdout
    assert "riverrun doctor" in failed.stderr + failed.stdout
