"""Ratios of medians with bootstrap intervals, each against its target."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from bench.expanded_percentiles import expanded

RESAMPLES = 2_000
SEED = 4
AGREEMENT = 0.10
"""How far an A/A pair may be apart before the run is void."""

Bound = Literal["<=", ">="]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the evidence. ``id`` is the benchmark's number; no ``target`` for a figure that is only told."""

    id: str
    name: str
    value: float
    ci95: tuple[float, float] | None = None
    target: float | None = None
    bound: Bound = "<="
    unit: str = "x"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value is within its target; none without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.bound == "<=" else self.value >= self.target

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "ci95": self.ci95,
            "target": self.target,
            "bound": self.bound,
            "met": self.met,
            "note": self.note,
        }

    def __str__(self) -> str:
        """``bench 1: fan-out CPU 1.42x raw (target <= 1.6) met``."""
        words = [f"bench {self.id}: {self.name} {self.value:,.4g}{self.unit}"]
        if self.ci95 is not None:
            words.append(f"[{self.ci95[0]:,.3g} .. {self.ci95[1]:,.3g}]")
        if self.target is not None:
            words.append(f"(target {self.bound} {self.target:g}) {'met' if self.met else 'MISSED'}")
        if self.note:
            words.append(f"- {self.note}")
        return " ".join(words)


def interval(over: Sequence[float], under: Sequence[float]) -> tuple[float, float]:
    """The bootstrap's 95 % interval of ``median(over) / median(under)``; the same for the same measurements."""
    dice = random.Random(SEED)
    drawn = (
        median(dice.choices(over, k=len(over))) / median(dice.choices(under, k=len(under)))
        for _ in range(RESAMPLES)
    )
    return expanded(drawn, min(len(over), len(under)))


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """How far the medians of an A/A pair are apart, as a share of the smaller."""
    least, most = sorted((median(one), median(other)))
    return most / least - 1
