"""What streams do in this process, counted where it happens by plain numbers: all of it is on one loop."""

import contextlib
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from riverrun.streaming import rare_paths

ONE_RUN = "one"
MANY_RUNS = "many"


class StreamMetrics:
    """Counts of one hub; the rare paths are those of the whole process."""

    def __init__(self) -> None:
        self.frames = 0
        """Pushed frames of runs that somebody reads."""
        self.events_sent = 0
        self.readers = 0
        """Places at runs. A stream of many runs has one at each; so has whoever waits for an end."""
        self.runs = 0
        """Runs whose channels are listened to."""
        self.is_connected = False
        self._opened = {ONE_RUN: 0, MANY_RUNS: 0}
        self._open = {ONE_RUN: 0, MANY_RUNS: 0}

    @contextlib.contextmanager
    def open_stream(self, runs: str) -> Iterator[None]:
        """A stream of ``one`` run or of ``many`` is open."""
        self._opened[runs] += 1
        self._open[runs] += 1
        try:
            yield
        finally:
            self._open[runs] -= 1

    def families(self) -> Iterator[Metric]:
        """For a scrape."""
        streams = GaugeMetricFamily("riverrun_streams_open", "Streams that are open", labels=("runs",))
        opened = CounterMetricFamily("riverrun_streams_opened", "Streams that were opened", labels=("runs",))
        for runs, count in self._open.items():
            streams.add_metric((runs,), count)
            opened.add_metric((runs,), self._opened[runs])
        yield from (streams, opened)
        yield GaugeMetricFamily("riverrun_stream_readers", "Places at runs in the hub", value=self.readers)
        yield GaugeMetricFamily("riverrun_stream_runs", "Runs that the hub listens to", value=self.runs)
        yield GaugeMetricFamily(
            "riverrun_stream_hub_connected",
            "1 while the hub hears its channels, 0 while readers follow the record",
            value=int(self.is_connected),
        )
        yield CounterMetricFamily(
            "riverrun_stream_frames", "Frames that were pushed to the hub for its readers", value=self.frames
        )
        yield CounterMetricFamily(
            "riverrun_stream_events_sent", "Events that were sent to clients", value=self.events_sent
        )
        yield rare_path_family(rare_paths.taken)


def rare_path_family(taken: dict[rare_paths.RarePath, int]) -> Metric:
    """How often each rare path was taken."""
    family = CounterMetricFamily(
        "riverrun_rare_paths", "What went wrong and was made good, or ended a run", labels=("path",)
    )
    for path in rare_paths.RarePath:
        family.add_metric((path,), taken[path])
    return family
