"""A family is the same text whether it is written in one piece or in many, and others run in between."""

import asyncio

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from riverrun.infra.distribution import Distribution
from riverrun.infra.metrics_text import SAMPLES_AT_ONCE, written, written_at_once
from riverrun.infra.request_metrics import RequestMetrics


def family_of(count: int) -> CounterMetricFamily:
    family = CounterMetricFamily("riverrun_things", "Things", labels=("name",))
    for number in range(count):
        family.add_metric((f'a "strange"\n{number}',), number)
    return family


async def test_a_large_family_is_named_once_and_has_each_sample() -> None:
    [read] = text_string_to_metric_families((await written([family_of(3 * SAMPLES_AT_ONCE + 1)])).decode())
    assert (read.name, read.documentation, read.type) == ("riverrun_things", "Things", "counter")
    assert [sample.value for sample in read.samples] == list(range(3 * SAMPLES_AT_ONCE + 1))
    assert read.samples[1].labels == {"name": 'a "strange"\n1'}


async def test_a_family_that_comes_in_parts_is_named_once() -> None:
    parts = [family_of(2), family_of(3)]
    [read] = text_string_to_metric_families((await written(parts)).decode())
    assert [sample.value for sample in read.samples] == [0, 1, 0, 1, 2]


async def test_what_is_counted_while_the_text_is_written_does_not_break_it() -> None:
    requests = RequestMetrics()

    async def ask_for_more() -> None:
        for number in range(50):
            requests.note("GET", f"/later/{number}", 200, 0.1)
            await asyncio.sleep(0)

    for number in range(20):
        requests.note("GET", f"/before/{number}", 200, 0.1)
    text, _ = await asyncio.gather(written(requests.families()), ask_for_more())
    answered, *_ = text_string_to_metric_families(text.decode())
    assert len(answered.samples) >= 20


async def test_others_have_their_turn_while_it_is_written() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count_turns())
    await written([family_of(4 * SAMPLES_AT_ONCE)])
    other.cancel()
    assert turns >= 4


def test_a_family_without_samples_is_still_named() -> None:
    assert written_at_once([family_of(0)]) == (
        b"# HELP riverrun_things_total Things\n# TYPE riverrun_things_total counter\n"
    )


def test_a_value_is_counted_by_the_smallest_bound_that_it_does_not_exceed() -> None:
    spread = Distribution((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        spread.observe(value)
    family = HistogramMetricFamily("riverrun_seconds", "Seconds")
    family.add_metric((), spread.buckets, spread.total)
    lines = written_at_once([family]).decode().splitlines()
    assert lines[2:] == [
        'riverrun_seconds_bucket{le="0.1"} 2.0',
        'riverrun_seconds_bucket{le="1.0"} 3.0',
        'riverrun_seconds_bucket{le="+Inf"} 4.0',
        "riverrun_seconds_count 4.0",
        "riverrun_seconds_sum 7.65",
    ]
