"""One name, one file: a hit in a file finder or a line of a traceback names its place."""

from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHARED_NAMES = {"models", "schemas", "statements", "commands", "dependencies", "errors"}
"""The same noun in each domain, on purpose."""
SPECIAL_NAMES = {"__init__", "__main__", "conftest"}


def files_by_name(folder: Path) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        found[path.stem].append(str(path.relative_to(ROOT)))
    return found


def doubled(folder: Path, allowed: set[str]) -> dict[str, list[str]]:
    return {
        name: paths for name, paths in files_by_name(folder).items() if len(paths) > 1 and name not in allowed
    }


def test_no_two_source_files_have_the_same_name() -> None:
    assert doubled(ROOT / "src", SHARED_NAMES | SPECIAL_NAMES) == {}


def test_no_two_test_files_have_the_same_name() -> None:
    assert doubled(ROOT / "tests", SPECIAL_NAMES) == {}


def test_the_names_that_may_be_shared_are_shared_or_at_least_used() -> None:
    assert set(files_by_name(ROOT / "src")) >= SHARED_NAMES
