"""Percentiles, and the table in which a benchmark's figures are printed."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``target`` is the most it should be, none for a figure that is only told."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the value is within its target."""
        return self.target is None or self.value <= self.target

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "is_met": self.is_met}


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many per cent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return percentile(values, 95)


def spread(
    name: str, values: Sequence[float], unit: str, *, target_of_p95: float | None = None
) -> list[Figure]:
    """Median and p95 of repeated measurements."""
    note = f"{len(values)} times"
    return [
        Figure(f"{name}, median", median(values), unit, note=note),
        Figure(f"{name}, p95", percentile(values, 95), unit, target_of_p95, note),
    ]


def show(console: Console, figures: Sequence[Figure]) -> None:
    """A table, with a word for each target."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("figure", "value", "target", "", "over"):
        table.add_column(heading, justify="right" if heading in ("value", "target") else "left", no_wrap=True)
    for one in figures:
        target = "" if one.target is None else f"<= {one.target:g} {one.unit}".rstrip()
        verdict = "" if one.target is None else "[green]met[/]" if one.is_met else "[red]missed[/]"
        table.add_row(
            one.name, f"{one.value:,.2f} {one.unit}".rstrip(), target, verdict, f"[dim]{one.note}[/]"
        )
    console.print(table)
