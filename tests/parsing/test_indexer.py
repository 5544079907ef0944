"""Indexing real folders and clones into a real Postgres."""

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, text
from tests.support.git_server import GitServer, commit_files, git, make_repository
from tests.support.waiting import wait_until

from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid
from riverrun.parsing import index_pace, indexer
from riverrun.parsing.errors import IndexingFailed, IndexingStopped
from riverrun.parsing.index_changes import TOO_LONG
from riverrun.parsing.index_report import IndexReport
from riverrun.parsing.index_store import IndexStore
from riverrun.parsing.indexer import index_project
from riverrun.parsing.models import Project
from riverrun.parsing.parse_pool import ParsePool
from riverrun.users.models import User

TREACHEROUS = (sys.executable, str(Path(__file__).with_name("treacherous_helper.py")))


class Index:
    """A database with one user's projects, and eyes on what is in it."""

    def __init__(self, engine: Engine, settings: Settings, parsers: ParsePool) -> None:
        self.engine = engine
        self.settings = settings
        self.parsers = parsers
        self.progress: list[tuple[str, int, int, str]] = []
        self.user_id = new_uuid()
        with engine.begin() as connection:
            connection.execute(insert(User).values(id=self.user_id, email="a@example.org", display_name="A"))

    def add(self, source: object, branch: str = "") -> UUID:
        project_id = new_uuid()
        with self.engine.begin() as connection:
            values = {"user_id": self.user_id, "repo_name": "r", "source": str(source), "branch_name": branch}
            connection.execute(insert(Project).values(id=project_id, **values))
        return project_id

    def run(
        self, project_id: UUID, should_stop: Callable[[], bool] = lambda: False, **given: Any
    ) -> IndexReport:
        self.progress.clear()
        return index_project(
            self.engine,
            project_id,
            given.pop("settings", self.settings),
            progress=lambda *step: self.progress.append(step),
            should_stop=should_stop,
            parsers=given.pop("parsers", self.parsers),
        )

    def rows(self, query: str, project_id: UUID | None = None) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), {"id": project_id})]

    def project(self, project_id: UUID) -> dict[str, Any]:
        columns = "status, error, commit_id, files, symbols, indexed_at"
        (row,) = self.rows(f"SELECT {columns} FROM projects WHERE id = :id", project_id)
        return dict(zip(columns.split(", "), row, strict=True))

    def files(self, project_id: UUID) -> dict[str, tuple[str, str | None]]:
        query = "SELECT path, status, reason FROM source_files WHERE project_id = :id"
        return {path: (status, reason) for path, status, reason in self.rows(query, project_id)}

    def symbols(self, project_id: UUID) -> list[str]:
        query = "SELECT qualified_name FROM symbols WHERE project_id = :id ORDER BY 1"
        return [name for (name,) in self.rows(query, project_id)]

    def contents(self, project_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
        """All that search reads, without the ids: what two ways to the same index must agree on."""
        file = "JOIN source_files f ON f.id = x.file_id WHERE x.project_id = :id ORDER BY 1, 2, 3, 4, 5"
        queries = {
            "files": "SELECT path, blob, status, reason, language, lines FROM source_files WHERE project_id = :id ORDER BY 1",
            "symbols": f"SELECT path, start_line, qualified_name, kind, signature, docstring FROM symbols x {file}",
            "calls": "SELECT path, x.lines, callers, x.names FROM file_calls x "
            "JOIN source_files f ON f.id = x.file_id WHERE x.project_id = :id ORDER BY 1",
            "chunks": f"SELECT path, start_line, x.name, kind, end_line, path_terms || terms, x.lengths "
            f"FROM chunks x {file}",
            "terms": "SELECT term, chunks FROM term_frequencies WHERE project_id = :id ORDER BY 1",
            "size": "SELECT chunks, label_lengths FROM projects WHERE id = :id",
        }
        return {name: self.rows(query, project_id) for name, query in queries.items()}

    def assert_sound(self, project_id: UUID) -> None:
        """Frequencies are exactly those of the chunks, symbols, chunks and their terms are counted, nothing belongs to no
        file, indexed bytes are at hand."""
        counted = self.rows(
            "SELECT lexeme, count(*) FROM chunks x JOIN source_files f ON f.id = x.file_id, "
            "unnest(path_terms || terms) WHERE x.project_id = :id GROUP BY 1 ORDER BY 1",
            project_id,
        )
        stored = self.rows(
            "SELECT term, chunks FROM term_frequencies WHERE project_id = :id ORDER BY 1", project_id
        )
        assert sorted(stored) == sorted(counted)
        assert self.project(project_id)["symbols"] == len(self.symbols(project_id))
        sums = ", ".join(f"coalesce(sum(lengths[{label}]), 0)" for label in (1, 2, 3, 4))
        counted = self.rows(f"SELECT count(*), ARRAY[{sums}] FROM chunks WHERE project_id = :id", project_id)
        assert self.contents(project_id)["size"] == counted
        for table in ("symbols", "file_calls", "chunks"):
            orphans = f"SELECT count(*) FROM {table} x WHERE file_id NOT IN (SELECT id FROM source_files)"
            assert self.rows(orphans) == [(0,)]
        missing = (
            "SELECT path FROM source_files f WHERE status = 'indexed' AND NOT EXISTS "
            "(SELECT FROM blobs b WHERE b.project_id = f.project_id AND b.sha = f.blob)"
        )
        assert self.rows(missing) == []


@pytest.fixture(scope="module")
def parsers() -> Iterator[ParsePool]:
    with ParsePool(2) as pool:
        yield pool


@pytest.fixture
def index(database_url: str, tmp_path: Path, parsers: ParsePool) -> Iterator[Index]:
    engine = open_engine(database_url)
    yield Index(engine, Settings(data_dir=tmp_path / "data"), parsers)
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(
        tmp_path / "source",
        {
            "box.py": "class Box:\n    '''A box.'''\n    def area(self):\n        return compute(self)\n",
            "lib/compute.py": "def compute(box):\n    return box.width * 2\n",
            "README.md": "# Boxes\n\nHow to use them.\n",
            "empty.py": "",
        },
    )


def fill(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def many_files(root: Path, count: int) -> Path:
    return fill(
        root,
        {f"m{number}.py": f"def function_{number}(): return call_{number}()\n" for number in range(count)},
    )


def test_a_folder_is_indexed_with_its_symbols_calls_chunks_and_bytes(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    report = index.run(project_id)
    assert (report.files, report.indexed, report.skipped, report.failed, report.symbols) == (4, 4, 0, 0, 3)
    assert index.symbols(project_id) == ["Box", "Box.area", "compute"]
    project = index.project(project_id)
    assert (project["status"], project["error"], project["commit_id"]) == ("ready", None, None)
    assert (project["files"], project["symbols"]) == (4, 3)
    assert project["indexed_at"] is not None
    contents = index.contents(project_id)
    assert ("box.py", [4], ["Box.area"], ["compute"]) in contents["calls"]
    assert ("README.md", "markdown", 3) in {
        (path, language, lines) for path, *_, language, lines in contents["files"]
    }
    (method,) = (row for row in contents["chunks"] if row[2] == "Box.area")
    assert (method[1], method[3], method[4], method[6]) == (3, "method", 4, [2, 1, 0, 2])
    assert method[5].startswith("'area':2A,3 'box':1B,2A ")
    index.assert_sound(project_id)


def test_blobs_are_named_as_git_names_them(index: Index, tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "source", {"a.py": "x = 1\n", "same.py": "x = 1\n"})
    project_id = index.add(tmp_path / "source")
    assert index.run(project_id).commit == commit
    blob = git(tmp_path / "source", "rev-parse", "HEAD:a.py")
    assert index.rows("SELECT DISTINCT blob FROM source_files WHERE project_id = :id", project_id) == [
        (blob,)
    ]
    assert index.rows("SELECT sha, content FROM blobs WHERE project_id = :id", project_id) == [
        (blob, b"x = 1\n")
    ]
    assert index.project(project_id)["commit_id"] == commit


def test_a_second_run_over_an_unchanged_folder_touches_no_row(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    versions = "SELECT xmin::text, id FROM {} WHERE project_id = :id ORDER BY id"
    before = [
        index.rows(versions.format(table), project_id) for table in ("source_files", "symbols", "chunks")
    ]
    report = index.run(project_id)
    assert (report.indexed, report.unchanged, report.removed) == (0, 4, 0)
    after = [index.rows(versions.format(table), project_id) for table in ("symbols", "chunks")]
    assert before[1:] == after


def test_only_what_changed_is_indexed_again(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    kept = "SELECT id FROM source_files WHERE project_id = :id AND path = 'box.py'"
    before = index.rows(kept, project_id)
    fill(
        folder,
        {"lib/compute.py": "def compute_all(boxes):\n    return boxes\n", "new.py": "def fresh(): pass\n"},
    )
    (folder / "README.md").unlink()
    (folder / "empty.py").rename(folder / "renamed.py")
    report = index.run(project_id)
    assert (report.files, report.indexed, report.unchanged, report.removed) == (4, 3, 1, 2)
    assert index.symbols(project_id) == ["Box", "Box.area", "compute_all", "fresh"]
    assert index.rows(kept, project_id) == before
    index.assert_sound(project_id)
    fresh = index.add(folder, "another")
    index.run(fresh)
    assert index.contents(project_id) == index.contents(fresh)


def test_a_file_that_was_only_touched_is_not_indexed_again(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    os.utime(folder / "box.py")
    assert index.run(project_id).indexed == 0


def test_blobs_of_earlier_versions_stay_for_answers_that_cite_them(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    fill(folder, {"box.py": "class Crate: pass\n"})
    index.run(project_id)
    (old,) = index.rows(
        "SELECT count(*) FROM blobs WHERE project_id = :id AND content LIKE 'class Box%'", project_id
    )
    assert old == (1,)


def test_what_is_left_out_is_listed_with_its_reason(index: Index, tmp_path: Path) -> None:
    source = fill(
        tmp_path / "source",
        {
            "good.py": "def good(): pass\n",
            "line.py": b"x = '" + b"y" * 10_000_000 + b"'\n",
            "minified.js": "var a=1;" * 2_000,
            "nul.py": b"x = 1\0\n",
            "logo.png": b"\x89PNG",
            "latin.py": b"name = 'caf\xe9'\n" + b"x = 1\n" * 50,
            "noise.py": bytes(range(128, 256)) * 2,
            "deep.py": "(" * 50_000,
            "node_modules/x/a.js": "x",
            ".gitignore": "ignored.py\n",
            "ignored.py": "x = 1\n",
        },
    )
    (source / "link.py").symlink_to("good.py")
    project_id = index.add(source)
    report = index.run(project_id)
    files = index.files(project_id)
    assert files.pop("deep.py")[0] in ("indexed", "skipped", "failed")
    assert files == {
        ".gitignore": ("indexed", None),
        "good.py": ("indexed", None),
        "latin.py": ("indexed", "1 byte is no UTF-8 and is shown as \ufffd."),
        "line.py": ("skipped", "too large: 10,000,007 bytes, the limit is 1,000,000"),
        "link.py": ("skipped", "a symbolic link"),
        "logo.png": ("skipped", "a binary file (.png)"),
        "minified.js": ("skipped", "minified: more than 400 bytes a line"),
        "noise.py": ("failed", "The file is no text in UTF-8."),
        "node_modules/": ("skipped", "a directory of dependencies"),
        "nul.py": ("skipped", "a binary file (it has NUL bytes)"),
    }
    assert report.files == 11
    assert index.project(project_id)["status"] == "ready"
    again = index.run(project_id)
    assert (again.indexed, again.skipped, again.failed) == (0, report.skipped, report.failed)
    assert index.files(project_id).keys() == files.keys() | {"deep.py"}


def test_paths_too_long_for_their_index_are_left_out_and_stop_nothing(index: Index, tmp_path: Path) -> None:
    """Random names, as ext4 takes them: what can be compressed would fit into the index anyway."""
    source = fill(tmp_path / "source", {"good.py": "def good(): pass\n"})
    deep = source.joinpath(*(f"d{secrets.token_urlsafe(180)[:235]}" for _ in range(14)))
    fill(deep, {"x.py": "def lost(): pass\n", "y.py": "def lost_too(): pass\n"})
    fill(source, {f"{'ö' * 120}/{'ö' * 120}/{'ö' * 120}/z.py": "def kept(): pass\n"})
    project_id = index.add(source)
    report = index.run(project_id)
    assert (report.files, report.indexed, report.skipped) == (4, 2, 2)
    assert index.symbols(project_id) == ["good", "kept"]
    files = index.files(project_id)
    start = str(deep.relative_to(source))[:200]
    too_long = [path for path, said in files.items() if said == ("skipped", TOO_LONG)]
    assert len(too_long) == 2
    assert all(path.startswith(start) and len(path) < 300 for path in too_long)
    ids = "SELECT id, path FROM source_files WHERE project_id = :id AND status = 'skipped' ORDER BY id"
    before = index.rows(ids, project_id)
    again = index.run(project_id)
    assert (again.indexed, again.unchanged, again.skipped, again.removed) == (0, 2, 2, 0)
    assert index.rows(ids, project_id) == before
    (deep / "x.py").unlink()
    assert index.run(project_id).removed == 1
    index.assert_sound(project_id)


def test_files_that_crash_or_hang_the_parser_stop_nothing(index: Index, tmp_path: Path) -> None:
    source = many_files(tmp_path / "source", 30)
    fill(source, {"crash.py": "crash always\n", "hang.py": "hang\n"})
    project_id = index.add(source)
    with ParsePool(2, TREACHEROUS, file_timeout_seconds=1.5) as treacherous:
        report = index.run(project_id, parsers=treacherous)
    assert (report.indexed, report.failed) == (30, 2)
    files = index.files(project_id)
    assert files["crash.py"] == ("failed", "The parser crashed on this file.")
    assert files["hang.py"] == ("failed", "Parsing this file took too long.")
    assert index.project(project_id)["status"] == "ready"
    index.assert_sound(project_id)


def test_a_higher_limit_lets_a_large_file_in(index: Index, tmp_path: Path) -> None:
    source = fill(tmp_path / "source", {"large.py": "x = 1\n" * 1_000})
    os.utime(source / "large.py", (1, 1))
    project_id = index.add(source)
    small = index.settings.model_copy(update={"max_file_bytes": 1_000})
    assert index.run(project_id, settings=small).skipped == 1
    report = index.run(project_id)
    assert (report.indexed, report.skipped) == (1, 0)
    assert index.run(project_id, settings=small).skipped == 1
    assert index.symbols(project_id) == []
    index.assert_sound(project_id)


def test_hostile_text_reaches_postgres_as_text(index: Index, tmp_path: Path) -> None:
    nasty = "\\N \\. \t \r \u2028 \\ ' \" \x0b 🙂 \x7f"
    source = fill(
        tmp_path / "source",
        {
            "a.py": f"def f():\n    '''{nasty}\\n'''\n    return \"\\t\\\\\"\n",
            "b\tc\nd\\e.py": "class Odd: pass\n",
            "crlf.py": "def crlf():\r\n    '''One.\r\n\r\n    Two.'''\r\n",
        },
    )
    project_id = index.add(source)
    assert index.run(project_id).indexed == 3
    assert "b\tc\nd\\e.py" in index.files(project_id)
    ((docstring,),) = index.rows(
        "SELECT docstring FROM symbols WHERE project_id = :id AND name = 'f'", project_id
    )
    assert docstring.startswith("\\N \\. ")
    index.assert_sound(project_id)


def test_rules_that_changed_index_every_file_again(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    with index.engine.begin() as connection:
        connection.execute(text("UPDATE source_files SET recipe = recipe - 1"))
    assert index.run(project_id).indexed == 4
    index.assert_sound(project_id)


@pytest.mark.parametrize(
    ("path", "words"), [("missing", "There is no folder"), ("file.txt", "is not a folder")]
)
def test_a_path_that_is_no_folder_fails_in_words(index: Index, tmp_path: Path, path: str, words: str) -> None:
    fill(tmp_path, {"file.txt": "x"})
    project_id = index.add(tmp_path / path)
    with pytest.raises(IndexingFailed, match=words):
        index.run(project_id)
    project = index.project(project_id)
    assert project["status"] == "error"
    assert words in project["error"]


def test_a_folder_with_nothing_to_index_fails_in_words(index: Index, tmp_path: Path) -> None:
    project_id = index.add(fill(tmp_path / "source", {"a.py": "x", ".gitignore": "*\n"}))
    with pytest.raises(IndexingFailed, match="There is nothing to index"):
        index.run(project_id)


def test_a_project_that_is_gone_fails_in_words(index: Index, folder: Path) -> None:
    with pytest.raises(IndexingFailed, match="was removed"):
        index.run(new_uuid())
    project_id = index.add(folder)

    def remove_meanwhile() -> bool:
        with index.engine.begin() as connection:
            connection.execute(text("DELETE FROM projects"))
        return False

    with pytest.raises(IndexingFailed, match="was removed"):
        index.run(project_id, remove_meanwhile)
    for table in ("source_files", "symbols", "file_calls", "chunks", "blobs", "term_frequencies"):
        assert index.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_removing_a_project_removes_everything_of_it_and_nothing_of_others(
    index: Index, folder: Path
) -> None:
    gone, kept = index.add(folder), index.add(folder, "kept")
    index.run(gone)
    index.run(kept)
    before = index.contents(kept)
    with index.engine.begin() as connection:
        connection.execute(text("DELETE FROM projects WHERE id = :id"), {"id": gone})
    for table in ("source_files", "symbols", "file_calls", "chunks", "blobs", "term_frequencies"):
        assert index.rows(f"SELECT count(*) FROM {table} WHERE project_id = :id", gone) == [(0,)]
    assert index.contents(kept) == before


def test_progress_goes_through_its_phases_to_the_end(index: Index, tmp_path: Path) -> None:
    index.run(index.add(many_files(tmp_path / "source", 50)))
    phases = [phase for phase, *_ in index.progress]
    assert sorted(set(phases), key=phases.index) == ["scanning", "parsing", "storing"]
    assert ("parsing", 50, 50, "files") in index.progress
    assert index.progress[-1] == ("storing", 50, 50, "files")


def test_stopping_keeps_what_is_done_and_the_next_run_goes_on(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "STORED_FILES_AT_FIRST", 20)
    monkeypatch.setattr(indexer, "PARSED_FILES", 5)
    monkeypatch.setattr(index_pace, "STOP_CHECK_SECONDS", 0)
    source = many_files(tmp_path / "source", 200)
    project_id = index.add(source)

    def enough_is_stored() -> bool:
        return index.rows("SELECT count(*) >= 40 FROM source_files") == [(True,)]

    with pytest.raises(IndexingStopped):
        index.run(project_id, enough_is_stored)
    ((stored,),) = index.rows("SELECT count(*) FROM source_files")
    assert 40 <= stored < 200
    assert index.project(project_id)["status"] == "error"
    assert "index again to go on" in index.project(project_id)["error"]
    index.assert_sound(project_id)
    report = index.run(project_id)
    assert (report.indexed, report.unchanged) == (200 - stored, stored)
    assert index.project(project_id)["status"] == "ready"
    index.assert_sound(project_id)


def test_a_killed_run_is_continued_where_it_was(index: Index, tmp_path: Path, database_url: str) -> None:
    source = many_files(tmp_path / "source", 300)
    project_id = index.add(source)
    code = (
        "import sys; from uuid import UUID; from pathlib import Path\n"
        "from riverrun.parsing import indexer; from riverrun.infra.database import open_engine\n"
        "from riverrun.infra.settings import Settings\n"
        "indexer.STORED_FILES_AT_FIRST = 20; indexer.PARSED_FILES = 5\n"
        "indexer.index_project(open_engine(sys.argv[1]), UUID(sys.argv[2]), Settings(),"
        " progress=lambda *_: None, should_stop=lambda: False)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, database_url, str(project_id)]) as running:
        wait_until(lambda: index.rows("SELECT count(*) >= 20 FROM source_files") == [(True,)])
        running.send_signal(signal.SIGKILL)
    ((stored,),) = index.rows("SELECT count(*) FROM source_files")
    if stored < 300:
        assert index.project(project_id)["status"] == "cloned"
    report = index.run(project_id)
    ((total,),) = index.rows("SELECT count(*) FROM source_files")
    assert (report.files, report.indexed + report.unchanged, total) == (300, 300, 300)
    assert index.project(project_id)["status"] == "ready"
    index.assert_sound(project_id)


def test_two_indexers_of_one_project_break_nothing(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "STORED_FILES_AT_FIRST", 10)
    source = many_files(tmp_path / "source", 120)
    project_id = index.add(source)
    reports: list[IndexReport] = []

    def run() -> None:
        with ParsePool(1) as own:
            reports.append(index.run(project_id, parsers=own))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2
    assert len(index.files(project_id)) == 120
    assert len(index.symbols(project_id)) == 120
    assert index.project(project_id)["status"] == "ready"
    index.assert_sound(project_id)


@pytest.mark.parametrize("moment", [0, 30, 119])
def test_a_first_index_that_another_overtakes_counts_its_terms_again(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    monkeypatch.setattr(indexer, "STORED_FILES_AT_FIRST", 10)
    monkeypatch.setattr(index_pace, "STOP_CHECK_SECONDS", 0)
    project_id = index.add(many_files(tmp_path / "source", 120))
    overtaken: list[IndexReport] = []

    def overtake() -> bool:
        if not overtaken and index.rows(f"SELECT count(*) >= {moment} FROM source_files") == [(True,)]:
            with ParsePool(1) as own:
                overtaken.append(index.run(project_id, parsers=own))
            index.assert_sound(project_id)
        return False

    index.run(project_id, overtake)
    assert len(overtaken) == 1
    assert index.project(project_id)["status"] == "ready"
    index.assert_sound(project_id)


def test_symbols_stay_counted_when_an_update_is_killed(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    fill(folder, {"lib/compute.py": "def one(): pass\ndef two(): pass\n"})
    (folder / "box.py").unlink()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IndexStore, "complete", fail)
        with pytest.raises(KeyboardInterrupt):
            index.run(project_id)
    index.assert_sound(project_id)
    assert index.project(project_id)["symbols"] == 2
    assert index.run(project_id).unchanged == 3
    index.assert_sound(project_id)


def test_a_size_that_an_older_release_did_not_count_is_counted_by_the_next_run(
    index: Index, folder: Path
) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    with index.engine.begin() as connection:
        connection.execute(text("UPDATE projects SET chunks = 0, label_lengths = '{0,0,0,0}'"))
    index.run(project_id)
    index.assert_sound(project_id)


def test_a_small_update_never_makes_a_ready_project_unready(index: Index, folder: Path) -> None:
    project_id = index.add(folder)
    index.run(project_id)
    fill(folder, {"new.py": "def fresh(): pass\n"})
    seen: list[str] = []

    def look() -> bool:
        seen.append(index.project(project_id)["status"])
        return False

    index.run(project_id, look)
    assert set(seen) == {"ready"}


def test_a_clone_is_indexed_by_its_commit_and_brought_up_to_date(index: Index, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        settings = index.settings.model_copy(update={"allowed_hosts": frozenset({server.host})})
        first = make_repository(
            server.root / "owner" / "name",
            {"a.py": "def first(): pass\n", "node_modules/x.js": "x", "b.py": "def kept(): pass\n"},
        )
        (server.root / "owner" / "name" / "link").symlink_to("/etc/passwd")
        project_id = index.add(f"{server.url}/owner/name")
        report = index.run(project_id, settings=settings)
        assert (report.commit, report.indexed, report.skipped) == (first, 2, 1)
        assert index.symbols(project_id) == ["first", "kept"]
        assert index.files(project_id)["node_modules/"] == ("skipped", "a directory of dependencies")
        assert "cloning" in {phase for phase, *_ in index.progress}
        assert index.run(project_id, settings=settings).indexed == 0
        second = commit_files(server.root / "owner" / "name", {"a.py": "def second(): pass\n"})
        report = index.run(project_id, settings=settings)
        assert (report.commit, report.indexed, report.unchanged) == (second, 1, 1)
        assert index.symbols(project_id) == ["kept", "second"]
        assert index.project(project_id)["commit_id"] == second
        index.assert_sound(project_id)


def test_a_clones_odd_paths_are_left_out_and_stop_nothing(index: Index, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        settings = index.settings.model_copy(update={"allowed_hosts": frozenset({server.host})})
        deep = "/".join(f"d{secrets.token_urlsafe(180)[:235]}" for _ in range(10))
        latin = os.fsdecode(b"caf\xe9")
        make_repository(
            server.root / "odd",
            {"a.py": "def a(): pass\n", f"{deep}/x.py": "x = 1\n", f"{latin}/node_modules/x.js": "x"},
        )
        project_id = index.add(f"{server.url}/odd")
        for indexed, unchanged in ((1, 0), (0, 1)):
            report = index.run(project_id, settings=settings)
            assert (report.indexed, report.unchanged, report.skipped, report.removed) == (
                indexed,
                unchanged,
                2,
                0,
            )
        assert index.files(project_id)["caf\\xe9/node_modules/"] == ("skipped", "a directory of dependencies")
        assert index.symbols(project_id) == ["a"]


def test_a_clone_that_cannot_be_had_fails_in_words_and_keeps_the_old_index(
    index: Index, tmp_path: Path
) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        settings = index.settings.model_copy(update={"allowed_hosts": frozenset({server.host})})
        make_repository(server.root / "one", {"a.py": "def kept(): pass\n"})
        project_id = index.add(f"{server.url}/one")
        index.run(project_id, settings=settings)
        (server.root / "one").rename(server.root / "moved")
        with pytest.raises(IndexingFailed, match="has no such repository"):
            index.run(project_id, settings=settings)
    assert index.symbols(project_id) == ["kept"]
    project = index.project(project_id)
    assert project["status"] == "ready"
    assert "has no such repository" in project["error"]
    with pytest.raises(IndexingFailed, match="private network"):
        index.run(index.add("https://127.0.0.1/one"))


def test_stopping_while_cloning_stops(index: Index, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as server:
        settings = index.settings.model_copy(update={"allowed_hosts": frozenset({server.host})})
        project_id = index.add(f"{server.url}/silent/one")
        with pytest.raises(IndexingStopped):
            index.run(project_id, lambda: bool(server.requests), settings=settings)
    assert index.project(project_id)["status"] == "error"
