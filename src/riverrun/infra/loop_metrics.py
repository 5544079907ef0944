"""The event loop in figures: how late it was, who blocked it, how much waits for it. Never reset, as counters must be."""

import asyncio
import gc
from collections import deque
from collections.abc import Iterator, Sized

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from riverrun.infra.distribution import Distribution
from riverrun.infra.request_metrics import METHODS, OTHER

LAG_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
NO_REQUEST = ""


class LoopMetrics:
    """Each figure is written by one thread at a time, the loop's or one of its watchdog's; read by any.

    Of several loops all write the lag, which may lose a heartbeat, and the last one says how many callbacks are ready.
    """

    def __init__(self) -> None:
        self.lag = Distribution(LAG_SECONDS)
        """By how much each of the loop's heartbeats came late, in seconds."""
        self.ready_callbacks = 0
        """How many callbacks waited for their turn at the last heartbeat."""
        self.machine_stalls = 0
        self.machine_seconds = 0.0
        self._stalls: dict[tuple[str, str], tuple[int, float]] = {}

    def note_stall(self, method: str, route: str, blocked_seconds: float) -> None:
        """The loop was blocked. Method and route are empty outside of a request."""
        place = (method if not method or method in METHODS else OTHER, route)
        stalls, seconds = self._stalls.get(place, (0, 0.0))
        self._stalls[place] = stalls + 1, seconds + blocked_seconds

    def note_machine_stall(self, seconds: float) -> None:
        """All stood still because the machine gave us no CPU."""
        self.machine_stalls += 1
        self.machine_seconds += seconds

    def families(self) -> Iterator[Metric]:
        """For a scrape."""
        lag = HistogramMetricFamily(
            "riverrun_loop_lag_seconds",
            "By how much timers of the event loop come late, beyond a millisecond",
        )
        lag.add_metric((), self.lag.buckets, self.lag.total)
        yield lag
        place = ("method", "route")
        stalls = CounterMetricFamily(
            "riverrun_loop_stalls", "How often a callback blocked the event loop", labels=place
        )
        blocked = CounterMetricFamily(
            "riverrun_loop_blocked_seconds", "How long callbacks blocked the event loop", labels=place
        )
        for labels, (count, seconds) in tuple(self._stalls.items()):
            stalls.add_metric(labels, count)
            blocked.add_metric(labels, seconds)
        yield stalls
        yield blocked
        yield CounterMetricFamily(
            "riverrun_loop_machine_stalls",
            "How often the process stood still for want of CPU",
            value=self.machine_stalls,
        )
        yield CounterMetricFamily(
            "riverrun_loop_machine_stalled_seconds",
            "How long the process stood still for want of CPU",
            value=self.machine_seconds,
        )
        yield GaugeMetricFamily(
            "riverrun_loop_ready_callbacks",
            "Callbacks that waited for their turn at the loop's last heartbeat",
            value=self.ready_callbacks,
        )


def ready_queue(loop: asyncio.AbstractEventLoop) -> Sized:
    """What is ready to be called by ``loop``: asyncio names it, uvloop only lets the garbage collector see its one deque."""
    known: Sized | None = getattr(loop, "_ready", None)
    if known is not None:
        return known
    return next((held for held in gc.get_referents(loop) if isinstance(held, deque)), ())
