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
from dataclasses import dataclass
from pathlib import Path

from bench.environment import SCRIPTS, environment
from bench.ratios import Ratio
from bench.results.plan_steps import FEWER_ROUNDS, INDEX, PROOF

ROOT = Path(SCRIPTS).parent
LEVELS = "10,20,50"
ROUNDS, FEW_ROUNDS = 10, 5
PATIENCE = "25"
GRACE_SECONDS = 30.0
"""For a script that was told to end to write what it has and to let its servers end."""
SPEED = re.compile(r"speed against bare parsing ([\d.]+)")
UPDATE = re.compile(r"one changed file / full +([\d.]+)")


class Budget:
    """Seconds for everything. Each script has its share, and what those before it left over."""

    def __init__(self, seconds: float, shares: Mapping[str, float]) -> None:
        self._ends_at = time.monotonic() + seconds
        self._shares = dict(shares)

    def take(self, name: str) -> float:
        """How many seconds a script may use from now on; what belongs to later ones remains."""
        share = self._shares.pop(name)
        left = self._ends_at - time.monotonic()
        return max(0.0, min(left, max(share, left - sum(self._shares.values()))))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: no code when it was ended by us."""

    code: int | None
    output: str
    seconds: float


def measure(
    shares: Mapping[str, float], seconds: float, raw: Path, former: Path, after_each: Callable[[], None]
) -> bool:
    """Leave a file in ``raw`` for each script that is there; former ones go to ``former``. Whether all went well.

    ``shares`` are each script's own part of the ``seconds`` for all, in the order in which they are run.
    """
    raw.mkdir(parents=True, exist_ok=True)
    former.mkdir(parents=True, exist_ok=True)
    budget = Budget(seconds, shares)
    are_well = True
    for name in shares:
        if (old := raw / f"{name}.json").exists():
            old.replace(former / old.name)
        limit = budget.take(name)
        if name != PROOF and not script_of(name).exists():
            print(f"{name}: not measured, there is no {script_of(name).name}", flush=True)
            continue
        are_well &= _measure_one(name, raw, limit)
        after_each()
    return are_well


def _measure_one(name: str, raw: Path, limit: float) -> bool:
    path = raw / f"{name}.json"
    if limit <= 0:
        write(path, name, failures=["no time was left for it"])
        return False
    print(f"{name}: at most {limit:.0f} s", flush=True)
    before = environment()
    ended = run(command_of(name, path), raw / f"{name}.log", limit)
    if not path.exists():
        keep_what_was_said(name, path, ended, before)
    note(path, took_seconds=round(ended.seconds, 1))
    kept = json.loads(path.read_text())
    faults = [*kept.get("failures", ()), *(f"void: {reason}" for reason in kept.get("void", ()))]
    print(
        f"{name}: {'; '.join(faults) or f'done, exit code {ended.code}'}, {ended.seconds:.0f} s", flush=True
    )
    return not faults and ended.code == 0


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
    rounds = str(FEW_ROUNDS if name in FEWER_ROUNDS else ROUNDS)
    levels = ("--concurrency", LEVELS, "--rounds", rounds, "--patience", PATIENCE)
    return [sys.executable, harness, "--target", str(script_of(name)), *levels, "--json", str(path)]


def run(command: Sequence[str], log: Path, seconds: float) -> Ended:
    """At most so long, then it is told to end; what it says goes to ``log``. What it leaves behind is ended too."""
    began = time.monotonic()
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _code_of(process, seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Ended(code, log.read_text(errors="replace"), time.monotonic() - began)


def _code_of(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """None when it had to be told to end; it alone is told, since its servers are its own business."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        return None


def keep_what_was_said(name: str, path: Path, ended: Ended, before: Mapping[str, object]) -> None:
    """The file of a script that writes none, or that broke off before it did."""
    lines = ended.output.strip().splitlines() or [""]
    said = {PROOF: proof_of, INDEX: index_of}.get(name, lambda _: {})(lines)
    if ended.code != 0 or not said:
        how = "was not done in time" if ended.code is None else f"exit code {ended.code}"
        said = {**said, "failures": [f"{how}: {_reason(lines)[:300]}"]}
    write(path, name, environment=before, **said)


def _reason(lines: Sequence[str]) -> str:
    """What a traceback ends with; of a proof, what it found fault with."""
    faults = [line.strip() for line in lines if not line.startswith(("audit:", "threads:", "proof:"))]
    return "; ".join(filter(None, faults)) if len(faults) < len(lines) else lines[-1]


def proof_of(lines: Sequence[str]) -> dict[str, object]:
    """How many threads there were, and its verdict."""
    said = [line for line in lines if line.startswith(("threads: before=", "proof: blocking_calls="))]
    return {"lines": said} if said else {}


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
