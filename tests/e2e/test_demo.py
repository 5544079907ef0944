"""``make demo``, as a person runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "demo.py"


def demo(data_dir: Path, repository: Path, question: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "RIVERRUN_DEMO_DATA_DIR": str(data_dir),
        "REPO": str(repository),
        "QUESTION": question,
    }
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env=environment,
    )


def test_the_demo_cuts_its_line_and_gets_exactly_the_rest_also_the_second_time(
    tmp_path: Path, starlette_source: Path
) -> None:
    for _ in range(2):
        result = demo(tmp_path, starlette_source, "How does the router find the endpoint of a request?")
        assert result.returncode == 0, result.stdout + result.stderr
        last = result.stdout.rstrip().splitlines()[-1]
        told = re.fullmatch(
            r"demo: ok answer_chars=(\d+) citations=(\d+) resumed_at=(\d+) seconds=[\d.]+", last
        )
        assert told, last
        assert min(map(int, told.groups())) > 0
        assert "Traceback" not in result.stdout + result.stderr


def test_a_short_answer_is_cut_after_its_third_at_the_second_try(tmp_path: Path) -> None:
    repository = tmp_path / "herons"
    repository.mkdir()
    (repository / "herons.py").write_text('def fly(n):\n    """Make n herons fly."""\n    return n\n')
    result = demo(tmp_path / "data", repository, "How do herons fly?")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "asking again" in result.stdout
    assert "herons.py:1-3\n     1 def fly(n):" in result.stdout


def test_a_repository_that_is_not_there_fails_in_one_line(tmp_path: Path) -> None:
    result = demo(tmp_path / "data", tmp_path / "missing", "What?")
    assert result.returncode == 1
    assert result.stdout.rstrip().splitlines()[-1].startswith("demo: failed ")
    assert "Traceback" not in result.stdout + result.stderr
