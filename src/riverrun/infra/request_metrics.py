"""How many requests each route answered, with what, and how fast. Written on the loop alone."""

from collections.abc import Iterator
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from starlette.types import Scope

from riverrun.infra.distribution import Distribution

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Paths that no route has, and methods that HTTP does not have: strangers may think of any number of them."""
ERROR = 500

ROUTES_AT_ONCE = 8
"""Some hundred samples."""

Key = TypeVar("Key")
Value = TypeVar("Value")
Route = tuple[str, str]
"""Method and template."""


class RequestMetrics:
    """Counts by method, route template and class of status; seconds as far as the answer's first byte."""

    def __init__(self) -> None:
        self.in_progress = 0
        """Requests under way, open streams included."""
        self._answers: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[Route, Distribution] = {}

    def note(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """One answer more. ``route`` is the template, none for a path that no route has."""
        place = (method if method in METHODS else OTHER, route or OTHER)
        answer = (*place, status // 100)
        self._answers[answer] = self._answers.get(answer, 0) + 1
        spread = self._seconds.get(place)
        if spread is None:
            spread = self._seconds[place] = Distribution(SECONDS)
        spread.observe(seconds)

    def families(self) -> Iterator[Metric]:
        """For a scrape, the two that grow with the routes in parts. More may be counted between them."""
        for answers in _parts(self._answers):
            counted = CounterMetricFamily(
                "riverrun_http_requests", "Requests answered", labels=("method", "route", "status")
            )
            for (method, route, status_class), count in answers:
                counted.add_metric((method, route, f"{status_class}xx"), count)
            yield counted
        for spreads in _parts(self._seconds):
            seconds = HistogramMetricFamily(
                "riverrun_http_request_seconds",
                "Time from a request's head to the first byte of its answer",
                labels=("method", "route"),
            )
            for place, spread in spreads:
                seconds.add_metric(place, spread.buckets, spread.total)
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


def known_route(scope: Scope) -> str | None:
    """The template of the route that FastAPI found for the request; none when there is none."""
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(route, "path_format", None)
    return template if isinstance(template, str) else None
