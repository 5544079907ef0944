"""What workers count of runs: attempts by their outcome, and how long runs waited and took."""

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import product

from riverrun.infra.shared_metrics import Shared, SharedMetrics
from riverrun.kit.clock import now
from riverrun.runs.lease import ClaimedRun
from riverrun.runs.models import RunKind, RunStatus
from riverrun.streaming import rare_paths
from riverrun.streaming.rare_paths import RarePath

WAIT_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
RUN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
ATTEMPTS = (1, 2, 3, 5)

HANDED_OVER = "handed_over"
"""The worker was told to leave."""
FENCED = "fenced"
"""Another attempt took the run over."""
BROKEN = "broken"
"""What the run made could not be stored; its lease runs out."""
ENDS = (RunStatus.COMPLETED, RunStatus.ERROR, RunStatus.CANCELLED)

KINDS = tuple((str(kind),) for kind in RunKind)
STARTED = "riverrun_attempts_started"
OVER = "riverrun_attempts"
ATTEMPT_TIME = "riverrun_attempt_seconds"
WAIT = "riverrun_run_wait_seconds"
RUN_TIME = "riverrun_run_seconds"
NEEDED = "riverrun_run_attempts"
RARE = "riverrun_rare_paths"

SHARED = (
    Shared(STARTED, "Attempts at runs that workers began", ("kind",), KINDS),
    Shared(
        OVER,
        "Attempts that are over, by how they ended",
        ("kind", "outcome"),
        tuple(product(map(str, RunKind), (*map(str, ENDS), HANDED_OVER, FENCED, BROKEN))),
    ),
    Shared(ATTEMPT_TIME, "How long attempts took", ("kind",), KINDS, RUN_SECONDS),
    Shared(WAIT, "Age of a run when a worker first took it", ("kind",), KINDS, WAIT_SECONDS),
    Shared(RUN_TIME, "Age of a run when a worker ended it", ("kind",), KINDS, RUN_SECONDS),
    Shared(NEEDED, "How many attempts it took to end a run", ("kind",), KINDS, ATTEMPTS),
    Shared(
        RARE,
        "What went wrong and was made good, or ended a run",
        ("path",),
        tuple((str(path),) for path in RarePath),
    ),
)


def shared_by(processes: int) -> SharedMetrics:
    """The counts of a worker with so many processes; make it before the fork."""
    return SharedMetrics(SHARED, processes=processes)


class AttemptMetrics:
    """One attempt under way; say its ``outcome`` before it is over."""

    def __init__(self) -> None:
        self.outcome: str = BROKEN


class RunMetrics:
    """Counts the runs of one process of a worker; what nobody asks for is counted for nobody."""

    def __init__(self, cells: SharedMetrics | None) -> None:
        self._cells = cells or shared_by(processes=1)

    @contextlib.contextmanager
    def attempt(self, run: ClaimedRun) -> Iterator[AttemptMetrics]:
        """An attempt, from the claim to its end."""
        kind = str(run.kind)
        self._cells.count(STARTED, kind)
        if run.attempt == 1:
            self._cells.observe(WAIT, kind, value=_age(run.created_at))
        told, began = AttemptMetrics(), time.monotonic()
        try:
            yield told
        finally:
            self._cells.count(OVER, kind, told.outcome)
            self._cells.observe(ATTEMPT_TIME, kind, value=time.monotonic() - began)
            if told.outcome in ENDS:
                self._cells.observe(RUN_TIME, kind, value=_age(run.created_at))
                self._cells.observe(NEEDED, kind, value=run.attempt)

    @contextlib.contextmanager
    def rare_paths(self) -> Iterator[None]:
        """Share how often this process took which meanwhile."""
        before = dict(rare_paths.taken)
        try:
            yield
        finally:
            for path, times in rare_paths.taken.items():
                if times > before[path]:
                    self._cells.count(RARE, str(path), by=times - before[path])


def _age(created_at: datetime) -> float:
    """By this machine's clock; the API's may be ahead of it."""
    return max((now() - created_at).total_seconds(), 0.0)
