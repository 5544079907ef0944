"""How fast indexing is, against parsing the same files with tree-sitter and doing nothing else with them.

Rounds alternate: reading and bare parsing in this one process, then a whole index of a fresh project (read, parse, store, ready),
then a run without a change, then one with one changed file. Medians are compared; bare parsing is timed twice a round,
and a round counts only when the two agree within the tolerance. Seconds are the clock's; beside them stands the CPU
time that bare parsing and the full index (this process, its parsers, its Postgres session) took, which other
programs on the machine change far less.

    python scripts/benchmark_index.py [--files 1000] [--rounds 5] [--data-dir DIR] [FOLDER]

Without a folder the files are those of the packages installed in this environment.
"""

import argparse
import shutil
import statistics
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy import Engine, insert, text

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid
from riverrun.migrations import upgrade
from riverrun.parsing.index_report import IndexReport
from riverrun.parsing.indexer import index_project
from riverrun.parsing.languages import LANGUAGES
from riverrun.parsing.models import Project
from riverrun.parsing.parse_pool import ParsePool
from riverrun.users.models import User

TOLERANCE = 0.10
TARGET_SPEED = 0.5
TARGET_UPDATE = 0.02


@dataclass
class Round:
    """Seconds of each arm."""

    bare: list[float] = field(default_factory=list)
    bare_cpu: float = 0.0
    full: float = 0.0
    full_cpu: float = 0.0
    unchanged: float = 0.0
    one_file: float = 0.0

    @property
    def is_valid(self) -> bool:
        return abs(self.bare[0] - self.bare[1]) <= TOLERANCE * min(self.bare)


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="riverrun-bench-") as scratch:
        tree = Path(scratch) / "tree"
        files = copy_files(arguments.folder, tree, arguments.files)
        print(f"{len(files)} Python files, {sum(path.stat().st_size for path in files):,} bytes")
        data_dir = arguments.data_dir or Path(scratch) / "data"
        with EmbeddedServers.start(data_dir) as servers, ParsePool() as parsers:
            upgrade(servers.database_url)
            engine = open_engine(servers.database_url, pool_size=1)
            try:
                user_id = add_user(engine)
                arms = Arms(engine, user_id, tree, files, parsers)
                arms.measure()  # Warms everything up.
                rounds = [arms.measure() for _ in range(arguments.rounds)]
            finally:
                engine.dispose()
    print_figures(rounds)


class Arms:
    """What is compared, over one tree."""

    def __init__(
        self, engine: Engine, user_id: UUID, tree: Path, files: list[Path], parsers: ParsePool
    ) -> None:
        self.engine = engine
        self.user_id = user_id
        self.tree = tree
        self.files = files
        self.parsers = parsers
        self.settings = Settings()  # Reading them is no part of indexing.
        with engine.connect() as connection:  # The pool has one connection, so all is done in this session.
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
        self.session = psutil.Process(pid)

    def measure(self) -> Round:
        """One round over all arms."""
        result = Round()
        project_id = add_project(self.engine, self.user_id, self.tree)
        before = time.process_time()
        result.bare.append(self.parse_only())
        result.bare_cpu = time.process_time() - before
        spent = self.cpu_seconds()
        result.full, report = self.index(project_id)
        result.full_cpu = self.cpu_seconds() - spent
        result.bare.append(self.parse_only())
        result.unchanged, _ = self.index(project_id)
        with self.files[0].open("ab") as changed:
            changed.write(b"\n\ndef added_by_the_benchmark():\n    pass\n")
        result.one_file, update = self.index(project_id)
        assert (report.indexed, update.indexed) == (len(self.files), 1), (report, update)
        print(f"  bare {result.bare[0]:.3f} and {result.bare[1]:.3f} s, full {result.full:.3f} s, ", end="")
        print(f"unchanged {result.unchanged:.4f} s, one file {result.one_file:.4f} s")
        return result

    def parse_only(self) -> float:
        """Seconds that reading the files and bare tree-sitter take, one file after the other."""
        parser = LANGUAGES["python"].parser
        started = time.perf_counter()
        for path in self.files:
            parser.parse(path.read_bytes())
        return time.perf_counter() - started

    def index(self, project_id: UUID) -> tuple[float, IndexReport]:
        started = time.perf_counter()
        report = index_project(
            self.engine,
            project_id,
            self.settings,
            progress=lambda *_: None,
            should_stop=lambda: False,
            parsers=self.parsers,
        )
        return time.perf_counter() - started, report

    def cpu_seconds(self) -> float:
        """What this process, its parsers and its database session have used so far."""
        processes = [self.session, *(psutil.Process(pid) for pid in self.parsers.pids if pid)]
        return time.process_time() + sum(sum(process.cpu_times()[:2]) for process in processes)


def print_figures(rounds: list[Round]) -> None:
    valid = [one for one in rounds if one.is_valid]
    print(
        f"{len(valid)} of {len(rounds)} rounds count (bare parsing agreed with itself within {TOLERANCE:.0%})"
    )
    for label, chosen in (("counted rounds", valid), ("all rounds", rounds)):
        if chosen:
            bare = statistics.median(seconds for one in chosen for seconds in one.bare)
            full = statistics.median(one.full for one in chosen)
            one_file = statistics.median(one.one_file for one in chosen)
            unchanged = statistics.median(one.unchanged for one in chosen)
            print(f"{label}: medians bare {bare:.3f} s, full {full:.3f} s, one file {one_file:.4f} s")
            bare_cpu = statistics.median(one.bare_cpu for one in chosen)
            full_cpu = statistics.median(one.full_cpu for one in chosen)
            print(f"  CPU: bare {bare_cpu:.3f} s, full {full_cpu:.3f} s = {full_cpu / bare_cpu:.2f} times")
            print(f"  speed against bare parsing {bare / full:.2f} (target >= {TARGET_SPEED})")
            print(f"  one changed file / full    {one_file / full:.4f} (target <= {TARGET_UPDATE})")
            print(f"  nothing changed / full     {unchanged / full:.4f}")


def copy_files(folder: Path | None, tree: Path, count: int) -> list[Path]:
    """Copies of the first files by name, so that changing one changes nothing real; old enough to be trusted."""
    origin = folder or Path(sysconfig.get_path("purelib"))
    copies: list[Path] = []
    for path in sorted(origin.rglob("*.py")):
        if len(copies) == count:
            break
        if 0 < path.stat().st_size < Settings().max_file_bytes:
            copy = tree / path.relative_to(origin)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copies.append(Path(shutil.copy(path, copy)))
    return copies


def add_user(engine: Engine) -> UUID:
    user_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(
            insert(User).values(id=user_id, email=f"{user_id}@example.org", display_name="Benchmark")
        )
    return user_id


def add_project(engine: Engine, user_id: UUID, tree: Path) -> UUID:
    project_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(
            insert(Project).values(
                id=project_id,
                user_id=user_id,
                repo_name="bench",
                source=str(tree),
                branch_name=str(project_id),
            )
        )
    return project_id


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data-dir", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
