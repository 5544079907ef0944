"""Processes of a pool count into one piece of memory; one that died is gone on from by the next."""

import os
import signal

from billiard import Process
from tests.support.scraping import scrape_of

from riverrun.infra.shared_metrics import Shared, SharedMetrics

THINGS = Shared("riverrun_things", "Things", ("kind",), (("big",), ("small",)))
SECONDS = Shared("riverrun_seconds", "Seconds", (), ((),), (0.1, 1.0))


def count(metrics: SharedMetrics, *, dies: bool) -> None:
    metrics.count("riverrun_things", "big", by=2)
    for value in (0.1, 0.5, 7.0):
        metrics.observe("riverrun_seconds", value=value)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


def run_as(index: int, metrics: SharedMetrics, *, dies: bool = False) -> None:
    """A process as the pool makes them."""
    process = Process(target=count, args=(metrics,), kwargs={"dies": dies})
    process.index = index
    process.start()
    process.join()


def test_what_processes_count_adds_up_whoever_dies() -> None:
    metrics = SharedMetrics([THINGS, SECONDS], processes=2)
    run_as(0, metrics)
    run_as(1, metrics, dies=True)
    run_as(1, metrics)
    seen = scrape_of(metrics.families())
    assert seen.value("riverrun_things_total", kind="big") == 6
    assert seen.value("riverrun_things_total", kind="small") == 0
    assert seen.value("riverrun_seconds_bucket", le="0.1") == 3
    assert seen.value("riverrun_seconds_bucket", le="1.0") == 6
    assert seen.value("riverrun_seconds_count") == 9
    assert seen.value("riverrun_seconds_sum") == 3 * 7.6


def test_a_process_that_the_pool_grew_by_counts_with_the_last() -> None:
    metrics = SharedMetrics([THINGS, SECONDS], processes=2)
    for index in (0, 7):
        run_as(index, metrics)
    assert scrape_of(metrics.families()).value("riverrun_things_total", kind="big") == 4
