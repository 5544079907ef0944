"""`make install` makes a .venv once, and anew when what it finds there does not work."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
echo "$*" >> "{calls}"
case "$*" in *venv*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac
"""
BROKEN_PYTHON = "#!/bin/sh\necho No module named pip >&2\nexit 1\n"


class Checkout:
    """A folder with our Makefile, and a Python that writes down what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._calls = folder / "calls"
        shutil.copy(ROOT / "Makefile", folder)
        for name in ("pyproject.toml", "constraints.txt"):
            (folder / name).touch()
        self.write_program("python", PYTHON.format(calls=self._calls))

    def write_program(self, path: str, text: str) -> None:
        program = self.folder / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)

    def install(self) -> list[str]:
        """What the Pythons, old and new, were asked for."""
        self._calls.write_text("")
        command = ["make", "--no-print-directory", "install", f"PYTHON={self.folder / 'python'}"]
        bare = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        subprocess.run(command, cwd=self.folder, env=bare, check=True, capture_output=True)
        return self._calls.read_text().splitlines()


def is_made(calls: list[str]) -> bool:
    return any("-m venv" in call for call in calls)


def test_the_first_install_makes_it_and_the_next_does_nothing(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    calls = checkout.install()
    assert is_made(calls)
    assert any("pip install" in call for call in calls)
    assert checkout.install() == []


def test_one_without_pip_is_made_anew(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write_program(".venv/bin/python", BROKEN_PYTHON)
    calls = checkout.install()
    assert is_made(calls)
    assert "pip install" in calls[-1]


def test_new_dependencies_are_installed_into_the_one_that_is_there(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.install()
    (tmp_path / ".venv" / ".installed").unlink()
    calls = checkout.install()
    assert not is_made(calls)
    assert "pip install" in calls[-1]
