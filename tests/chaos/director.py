"""Has schedules played one after the other on one site, and sums up what was found."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import ChaosSite, chaos_site
from tests.chaos.rare_path_counts import PATHS, LogReader, count_rare_paths
from tests.chaos.schedule_machine import Schedule, schedules_of
from tests.chaos.story import Story

STEPS = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one schedule."""

    number: int
    act: str
    objections: list[Objection]
    rare_paths: Counter[str]
    seconds: float


@dataclass(slots=True)
class Director:
    """Plays ``count`` schedules of ``seed``; with ``only`` all others are drawn but not played.

    The steps are kept below ``folder``, and all evidence of a schedule with objections. Unless a ``site`` was given, it
    opens its own, and a fresh one after each such schedule.
    """

    folder: Path
    seed: int
    count: int
    only: int | None = None
    says: bool = True
    site: ChaosSite | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    _opened: AbstractContextManager[ChaosSite] | None = None
    _logs: LogReader | None = None
    _began: float = 0.0

    def run(self) -> list[Outcome]:
        """All schedules, in order."""
        try:
            draw(schedules_of(self), self.seed, self.count)
        finally:
            self._close()
        return self.outcomes

    def site_for(self, number: int) -> ChaosSite | None:
        """The site, opened when it is first needed."""
        if number >= self.count or self.only not in (None, number):
            return None
        if self.site is None:
            self._opened = chaos_site(self.folder / f"site-{number}")
            self.site = self._opened.__enter__()
        self._logs = LogReader(self.site.folder)
        self._began = time.monotonic()
        return self.site

    def report(self, number: int, act: str, story: Story) -> None:
        """Note the outcome; with objections keep everything that tells of it."""
        assert self._logs is not None
        assert self.site is not None
        said = self._logs.new_text()
        outcome = Outcome(
            number, act, story.all_objections(), count_rare_paths(said), time.monotonic() - self._began
        )
        self.outcomes.append(outcome)
        self._keep_evidence(outcome, story, said)
        self._say(outcome)
        if outcome.objections:
            self._close()

    def _keep_evidence(self, outcome: Outcome, story: Story, said: bytes) -> None:
        kept = self.folder / f"schedule-{outcome.number}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        (kept / "steps.txt").write_text("\n".join(story.steps) + "\n")
        if not outcome.objections:
            return
        (kept / "objections.txt").write_text("\n".join(map(str, outcome.objections)) + "\n")
        (kept / "processes.log").write_bytes(said)
        for place, reader in enumerate(story.readers):
            for line, raw in enumerate(reader.raw):
                (kept / f"reader-{place}-{reader.run_id}-line-{line}.txt").write_bytes(raw)

    def _say(self, outcome: Outcome) -> None:
        if not self.says:
            return
        rare = " ".join(f"{path}={times}" for path, times in sorted(outcome.rare_paths.items()))
        print(f"schedule {outcome.number}: {outcome.act}, {outcome.seconds:.1f} s, {rare}", flush=True)
        for objection in outcome.objections:
            print(f"  VIOLATION {objection}")
        if outcome.objections:
            print(f"  evidence: {self.folder / f'schedule-{outcome.number}'}")
            print(f"  again: {self.repeat_command(outcome.number)}", flush=True)

    def repeat_command(self, number: int) -> str:
        """What plays one schedule again."""
        return f"make chaos CHAOS_SEED={self.seed} CHAOS_SCHEDULES={self.count} CHAOS_ONLY={number}"

    def _close(self) -> None:
        if self._opened is not None:
            opened, self._opened, self.site = self._opened, None, None
            opened.__exit__(*sys.exc_info())


def draw(make: Callable[[], Schedule], seed_number: int, count: int) -> None:
    """Let Hypothesis draw ``count`` schedules, each of which plays itself meanwhile."""
    run_state_machine_as_test(
        seed(seed_number)(make),
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        ),
    )


def summary(outcomes: list[Outcome]) -> str:
    """The last line."""
    reached = schedules_by_rare_path(outcomes)
    violations = sum(bool(outcome.objections) for outcome in outcomes)
    return (
        f"chaos: schedules={len(outcomes)} violations={violations} "
        f"rare_paths={sum(reached[path] > 0 for path in PATHS)}/{len(PATHS)}"
    )


def schedules_by_rare_path(outcomes: list[Outcome]) -> Counter[str]:
    """In how many schedules each rare path was taken."""
    return Counter(path for outcome in outcomes for path in outcome.rare_paths)
