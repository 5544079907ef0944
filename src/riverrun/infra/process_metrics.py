"""What the system says of a process of ours, without a file being read for it."""

import threading
import time
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from riverrun.kit.clock import now

STARTED_AT = now().timestamp()


def process_families(part: str) -> Iterator[Metric]:
    """For a scrape of the ``api``, or of the ``worker``'s main process."""
    info = GaugeMetricFamily("riverrun_process_info", "1, for each process that is asked", labels=("part",))
    info.add_metric((part,), 1)
    yield info
    yield GaugeMetricFamily(
        "riverrun_process_start_time_seconds", "When the process began, in Unix time", value=STARTED_AT
    )
    yield CounterMetricFamily(
        "riverrun_process_cpu_seconds", "CPU that the process itself has used", value=time.process_time()
    )
    yield GaugeMetricFamily(
        "riverrun_process_threads", "Threads of Python's in the process", value=threading.active_count()
    )
