"""Whether a second run says what the first one said: which share of the ratios' intervals overlap."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.ratios import Ratio
from bench.results.raw_results import RawResult

WANTED = 0.95


@dataclass(frozen=True, slots=True)
class Overlap:
    """Ratios that both runs have with an interval, and those of them that contradict each other, as lines."""

    compared: int
    apart: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of those that overlap; none compared is none proven."""
        return 1 - len(self.apart) / self.compared if self.compared else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether 95 of 100 do."""
        return self.share >= WANTED

    def __str__(self) -> str:
        return f"overlap: {self.compared - len(self.apart)} of {self.compared} intervals, {self.share:.1%} (wanted >= {WANTED:.0%})"


def overlap_of(one: Mapping[str, RawResult], other: Mapping[str, RawResult]) -> Overlap:
    """Of all benchmarks that both runs have."""
    pairs = [
        (benchmark, first, second)
        for benchmark in one.keys() & other.keys()
        for first, second in _pairs(one[benchmark], other[benchmark])
    ]
    lines = sorted(
        f"{name}, {_said(first)} against {_said(second)}"
        for name, first, second in pairs
        if _apart(first, second)
    )
    return Overlap(len(pairs), tuple(lines))


def _pairs(one: RawResult, other: RawResult) -> Iterator[tuple[Ratio, Ratio]]:
    known = {(ratio.id, ratio.name): ratio for ratio in other.ratios}
    for first in one.ratios:
        second = known.get((first.id, first.name))
        if first.ci95 is not None and second is not None and second.ci95 is not None:
            yield first, second


def _apart(first: Ratio, second: Ratio) -> bool:
    assert first.ci95 is not None
    assert second.ci95 is not None
    return first.ci95[0] > second.ci95[1] or second.ci95[0] > first.ci95[1]


def _said(ratio: Ratio) -> str:
    assert ratio.ci95 is not None
    return f"{ratio.id} {ratio.name} {ratio.value:.3g} [{ratio.ci95[0]:.3g} .. {ratio.ci95[1]:.3g}]"
