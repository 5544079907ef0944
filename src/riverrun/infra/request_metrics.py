"""How many requests each route answered, with what, and how fast. Written on the loop alone."""

from collections.abc import Iterator
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from riverrun.infra.distribution import Distribution

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Paths that no route has, and methods that HTTP does not have: strangers may think of any number of them."""
ERROR = 500
STATUS_CLASSES = 10

ROUTES_AT_ONCE = 8
"""Some hundred samples."""

Key = TypeVar("Key")
Value = TypeVar("Value")
Route = tuple[str, str]
"""Method and template."""


class Answers:
    """What one route answered with one method."""

    __slots__ = ("by_class", "seconds")

    def __init__(self) -> None:
        self.by_class = [0] * STATUS_CLASSES
        """How many, by the first digit of their status."""
        self.seconds = Distribution(SECONDS)


class RequestMetrics:
    """Counts by method, route template and class of status; seconds as far as the answer's first byte."""

    def __init__(self) -> None:
        self.in_progress = 0
        """Requests under way, open streams included."""
        self._answers: dict[Route, Answers] = {}

    def note(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """One answer more. ``route`` is the template, none for a path that no route has."""
        answers = self._answers.get((method, route or OTHER)) or self._begin(method, route or OTHER)
        answers.by_class[min(status // 100, STATUS_CLASSES - 1)] += 1
        answers.seconds.observe(seconds)

    def _begin(self, method: str, route: str) -> Answers:
        place = method if method in METHODS else OTHER, route
        return self._answers.setdefault(place, Answers())

    def families(self) -> Iterator[Metric]:
        """For a scrape, the two that grow with the routes in parts. More may be counted between them."""
        for part in _parts(self._answers):
            counted = CounterMetricFamily(
                "riverrun_http_requests", "Requests answered", labels=("method", "route", "status")
            )
            for place, answers in part:
                for status_class, count in enumerate(answers.by_class):
                    if count:
                        counted.add_metric((*place, f"{status_class}xx"), count)
            yield counted
        for part in _parts(self._answers):
            seconds = HistogramMetricFamily(
                "riverrun_http_request_seconds",
                "Time from a request's head to the first byte of its answer",
                labels=("method", "route"),
            )
            for place, answers in part:
                seconds.add_metric(place, answers.seconds.buckets, answers.seconds.total)
            yield seconds
        yield GaugeMetricFamily(
            "riverrun_http_requests_in_progress",
            "Requests under way, open streams included",
            value=self.in_progress,
        )


def _parts(held: dict[Key, Value]) -> Iterator[tuple[tuple[Key, Value], ...]]:
    """What is held now, a few at a time; once nothing, when nothing is."""
    items = tuple(held.items())
    for start in range(0, max(len(items), 1), ROUTES_AT_ONCE):
        yield items[start : start + ROUTES_AT_ONCE]
