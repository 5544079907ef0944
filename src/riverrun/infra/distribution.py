"""How values are spread: counts by upper bound, as Prometheus draws histograms from."""

from bisect import bisect_left
from collections.abc import Sequence

Buckets = list[tuple[str, float]]


class Distribution:
    """Counts values by the smallest of ``bounds`` that they do not exceed. One writer; readers see a moment's counts."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """The sum of all values."""

    def observe(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def buckets(self) -> Buckets:
        """``(upper bound, how many are not above it)``, the last bound being ``+Inf``."""
        return cumulated(self._bounds, self._counts)


def cumulated(bounds: Sequence[float], counts: Sequence[float]) -> Buckets:
    """Each bound with how many values are not above it; ``counts`` has one more, of those above all bounds."""
    so_far, buckets = 0.0, []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return buckets
