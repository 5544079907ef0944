"""What a benchmark found: levels by arm, ratios, one line a ratio, and the JSON that is kept."""

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.environment import environment
from bench.level_lines import level_line
from bench.ratios import Ratio

SYNC_ARMS = frozenset({"threads", "blocking"})


class OutOfTime(KeyboardInterrupt):
    """The run was told to end: no event loop may swallow it, and what was measured so far is kept."""


@dataclass(slots=True)
class Report:
    """Filled while a benchmark runs. ``void`` says why its figures must not be used."""

    benchmark: str
    is_smoke: bool = False
    """Whether it only proves that everything works: its figures are not said."""
    environment: dict[str, Any] = field(default_factory=environment)
    arms: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ratios: list[Ratio] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What broke off, and why: the rest was measured all the same."""

    def note_level(self, arm: str, level: str, figures: dict[str, Any]) -> None:
        """Keep the figures of one arm at one level."""
        self.arms.setdefault(arm, {})[level] = figures
        if wrong := figures.get("first_error"):
            print(f"ERRORS: {arm}, {level}: {figures['errors']}, the first: {wrong}", flush=True)

    def tell_level(self, arm: str, level: str, figures: dict[str, Any]) -> None:
        """Keep a level of requests, and say it."""
        print(f"works: {level}, {arm}" if self.is_smoke else level_line(arm, level, figures), flush=True)
        self.note_level(arm, level, figures)

    def add(self, ratio: Ratio) -> None:
        """Keep a ratio, and say it."""
        self.ratios.append(ratio)
        print(f"works: {ratio.id}, {ratio.name}" if self.is_smoke else ratio, flush=True)

    def reject(self, reason: str) -> None:
        """The figures are worthless, and why."""
        self.void.append(reason)
        if not self.is_smoke:
            print(f"VOID: {reason}", flush=True)

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """Let ``what`` break off without the rest of the run."""
        try:
            yield
        except (
            ConnectionError,
            TimeoutError,
        ) as error:  # the other side's doing: where we noticed says nothing
            self.fail(f"{what}: {error or 'the server was silent for too long'}")
        except Exception as error:
            traceback.print_exc()
            self.fail(f"{what}: {type(error).__name__}: {error}")

    def fail(self, reason: str) -> None:
        """It is no success, and why."""
        self.failures.append(reason)
        print(f"FAILED: {self.benchmark}, {reason}", flush=True)

    @property
    def errors(self) -> int:
        """All of all levels. What sync drivers make of the product may refuse requests: that is a finding, unless in a smoke run."""
        judged = [arm for arm in self.arms if self.is_smoke or arm not in SYNC_ARMS]
        return sum(level.get("errors", 0) for arm in judged for level in self.arms[arm].values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "benchmark": self.benchmark,
            "is_smoke": self.is_smoke,
            "environment": self.environment,
            "arms": self.arms,
            "ratios": [ratio.as_dict() for ratio in self.ratios],
            "void": self.void,
            "failures": self.failures,
        }

    def write(self, path: Path) -> None:
        """Keep it as a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), indent=2) + "\n")
