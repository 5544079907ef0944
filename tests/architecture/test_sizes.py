"""Files stay small enough to be read in one go; the list of those that are not may only shrink."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
SUFFIXES = {".py", ".js", ".css", ".html"}

TOO_LONG: dict[str, int] = {}
"""Path and its number of lines. Lower a number or take its line out; nothing is added."""


def lines_by_path() -> dict[str, int]:
    return {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in sorted((ROOT / "src").rglob("*"))
        if path.suffix in SUFFIXES and "__pycache__" not in path.parts
    }


def test_no_source_file_is_longer_than_it_may_be() -> None:
    lines = lines_by_path()
    assert len(lines) > 100
    too_long = {path: count for path, count in lines.items() if count > TOO_LONG.get(path, MOST_LINES)}
    assert too_long == {}, f"over {MOST_LINES} lines: split it by its nouns"


def test_the_list_of_long_files_says_no_more_than_is_true() -> None:
    lines = lines_by_path()
    stale = {path for path, count in TOO_LONG.items() if not MOST_LINES < lines.get(path, 0) == count}
    assert stale == set(), "these have shrunk: lower their number, or take them out of TOO_LONG"
