"""git goes when the process that started it goes, however that ends."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.git_server import GitServer
from tests.support.waiting import wait_until

FETCHES = """
import sys
from pathlib import Path
from riverrun.code_provider.git_process import Limits
from riverrun.code_provider.git_sandbox import GitSandbox

directory, host, url = sys.argv[1:]
sandbox = GitSandbox(Path(directory), allowed_hosts={host})
sandbox.fetch(url, "", Limits(600, 1_000_000_000, lambda: False), lambda done, total: None)
"""


def commands_about(word: str) -> list[str]:
    """The command lines of the processes of this machine that mention it."""
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [command for command in commands.splitlines() if word in command]


def test_git_does_not_outlive_an_indexer_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        url = f"{server.url}/silent/one"
        arguments = [str(tmp_path / "one.git"), server.host, url]
        indexer = subprocess.Popen([sys.executable, "-c", FETCHES, *arguments])
        wait_until(lambda: any("git-remote-http" in command for command in commands_about(url)))
        indexer.send_signal(signal.SIGKILL)
        indexer.wait()
        wait_until(lambda: not commands_about(url))
