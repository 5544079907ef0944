"""Run one script after the other, each in its own process: what fails, hangs or is not there stops nothing else."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.environment import SCRIPTS, environment
from bench.ratios import Ratio
from bench.results.plan_steps import CAPACITY, INDEX, PROOF

ROOT = Path(SCRIPTS).parent
LEVELS = ("--concurrency", "10,20,50", "--rounds", "10")
MOST_SECONDS = {CAPACITY: 420.0, PROOF: 240.0, "streams": 1_200.0, "dispatch": 300.0, INDEX: 900.0}
MOST_SECONDS_OF_OTHERS = 240.0
GRACE_SECONDS = 15.0
SPEED = re.compile(r"speed against bare parsing ([\d.]+)")
UPDATE = re.compile(r"one changed file / full +([\d.]+)")


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds for everything; a script that would begin after them is not begun."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """What remains."""
        return self.seconds - (time.monotonic() - self.began)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: no code when it was ended by us."""

    code: int | None
    output: str
    seconds: float


def measure(
    names: Sequence[str], raw: Path, former: Path, budget: Budget, after_each: Callable[[], None]
) -> bool:
    """Leave a file in ``raw`` for each that is there, the former one goes to ``former``; whether all went well."""
    raw.mkdir(parents=True, exist_ok=True)
    former.mkdir(parents=True, exist_ok=True)
    are_well = True
    for name in names:
        if (old := raw / f"{name}.json").exists():
            old.replace(former / old.name)
        if name != PROOF and not script_of(name).exists():
            print(f"{name}: not measured, there is no {script_of(name).name}", flush=True)
            continue
        are_well &= _measure_one(name, raw, budget)
        after_each()
    return are_well


def _measure_one(name: str, raw: Path, budget: Budget) -> bool:
    path, limit = raw / f"{name}.json", min(MOST_SECONDS.get(name, MOST_SECONDS_OF_OTHERS), budget.left)
    if limit <= 0:
        write(path, name, failures=[f"none of the {budget.seconds:.0f} s were left for it"])
        return False
    print(f"{name}: at most {limit:.0f} s", flush=True)
    before = environment()
    ended = run(command_of(name, path), raw / f"{name}.log", limit)
    if not path.exists():
        keep_what_was_said(name, path, ended, before)
    note(path, took_seconds=round(ended.seconds, 1))
    failures = json.loads(path.read_text()).get("failures", [])
    print(
        f"{name}: {'; '.join(failures) or f'done, exit code {ended.code}'}, {ended.seconds:.0f} s", flush=True
    )
    return not failures and ended.code == 0


def script_of(name: str) -> Path:
    """Where a benchmark is."""
    return ROOT / "scripts" / f"benchmark_{name}.py"


def command_of(name: str, path: Path) -> list[str]:
    """The proof and the indexing have words of their own; all others are run by the harness."""
    if name == PROOF:
        return [sys.executable, "-m", "tests.proofs.loop_proof"]
    if name == INDEX:
        return [sys.executable, str(script_of(name))]
    harness = str(ROOT / "scripts" / "benchmark_harness.py")
    return [sys.executable, harness, "--target", str(script_of(name)), *LEVELS, "--json", str(path)]


def run(command: Sequence[str], log: Path, seconds: float) -> Ended:
    """At most so long; what it says goes to ``log``. Its whole group is ended with it."""
    began = time.monotonic()
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end_group(process)
    return Ended(code, log.read_text(errors="replace"), time.monotonic() - began)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Politely first: servers hang on it that clean up after themselves."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            return


def keep_what_was_said(name: str, path: Path, ended: Ended, before: Mapping[str, object]) -> None:
    """The file of a script that writes none, or that broke off before it did."""
    lines = ended.output.strip().splitlines() or [""]
    said = {PROOF: proof_of, INDEX: index_of}.get(name, lambda _: {})(lines)
    if not said:
        how = "was not done in time" if ended.code is None else f"exit code {ended.code}"
        said = {"failures": [f"{how}: {lines[-1][:300]}"]}
    write(path, name, environment=before, **said)


def proof_of(lines: Sequence[str]) -> dict[str, object]:
    """Its last line."""
    line = next((line for line in reversed(lines) if line.startswith("proof: blocking_calls=")), "")
    return {"line": line} if line else {}


def index_of(lines: Sequence[str]) -> dict[str, object]:
    """The last of its medians, which have no interval."""
    said = "\n".join(lines)
    speeds, updates = SPEED.findall(said), UPDATE.findall(said)
    if not speeds or not updates:
        return {}
    speed = Ratio("14", "speed of an index", float(speeds[-1]), target=0.5, bound=">=", unit="x bare parsing")
    update = Ratio("14", "one changed file", float(updates[-1]), target=0.02, unit="x the full index")
    return {"ratios": [speed.as_dict(), update.as_dict()]}


def write(path: Path, name: str, **known: object) -> None:
    """A file in the form of the harness."""
    empty = {"benchmark": name, "environment": {}, "arms": {}, "ratios": []}
    path.write_text(json.dumps({**empty, **known}, indent=2) + "\n")


def note(path: Path, **known: object) -> None:
    """Add to a file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **known}, indent=2) + "\n")
