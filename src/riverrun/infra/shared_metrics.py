"""Counts that a worker's processes share: a piece of memory made before they are forked, a part of it for each of them.

No file, no lock, and nothing to be swept up: a process that dies leaves its counts, and whoever takes its place goes on from
them. Each cell has one writer, and a cell is eight aligned bytes, so that whoever adds them up never sees half a number.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from billiard import current_process
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from riverrun.infra.distribution import cumulated

CELL_BYTES = 8


class Shared(NamedTuple):
    """A counter, or with ``bounds`` a histogram. ``series`` are all its label values: memory cannot grow after the fork."""

    name: str
    words: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, ...], ...]
    bounds: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """How many numbers one series has: a count, or a count for each bucket, and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1


class SharedMetrics:
    """Make it before the fork. ``processes`` is how many there are at a time."""

    def __init__(self, shared: Sequence[Shared], *, processes: int = 1) -> None:
        self._shared = {one.name: one for one in shared}
        self._places: dict[tuple[str, ...], int] = {}
        self._width = 0
        for one in shared:
            for values in one.series:
                self._places[one.name, *values] = self._width
                self._width += one.cells
        self._processes = processes
        self._cells = memoryview(mmap.mmap(-1, CELL_BYTES * self._width * processes)).cast("d")

    def count(self, name: str, *values: str, by: float = 1) -> None:
        """Add to the counter ``name`` with these label values."""
        self._cells[self._place(name, values)] += by

    def observe(self, name: str, *values: str, value: float) -> None:
        """One more value of the histogram ``name``."""
        place, shared = self._place(name, values), self._shared[name]
        self._cells[place + bisect_left(shared.bounds, value)] += 1
        self._cells[place + shared.cells - 1] += value

    def families(self) -> Iterator[Metric]:
        """The sums over all processes, for a scrape."""
        for shared in self._shared.values():
            yield self._histogram(shared) if shared.bounds else self._counter(shared)

    def _counter(self, shared: Shared) -> Metric:
        family = CounterMetricFamily(shared.name, shared.words, labels=shared.labels)
        for values in shared.series:
            family.add_metric(values, self._sums(shared, values)[0])
        return family

    def _histogram(self, shared: Shared) -> Metric:
        family = HistogramMetricFamily(shared.name, shared.words, labels=shared.labels)
        for values in shared.series:
            *counts, total = self._sums(shared, values)
            family.add_metric(values, cumulated(shared.bounds, counts), total)
        return family

    def _sums(self, shared: Shared, values: tuple[str, ...]) -> list[float]:
        first = self._places[shared.name, *values]
        return [
            sum(self._cells[process * self._width + cell] for process in range(self._processes))
            for cell in range(first, first + shared.cells)
        ]

    def _place(self, name: str, values: tuple[str, ...]) -> int:
        """The pool numbers its processes, and gives a dead one's number to the next. One that it grew by shares the last's."""
        process = min(getattr(current_process(), "index", 0), self._processes - 1)
        return process * self._width + self._places[name, *values]
