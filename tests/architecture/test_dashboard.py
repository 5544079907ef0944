"""The dashboard asks for nothing that the product does not tell, and shows everything that it does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.scraping import documented_labels, documented_metrics

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "riverrun.json"
OF_PROMETHEUS = {"job", "instance", "le"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return loaded


def documented() -> dict[str, str]:
    """Each metric's kind; that the document is true is proved where the product is scraped."""
    tables = documented_metrics("The API") | documented_metrics("The workers")
    return {name: kind for name, (kind, _) in tables.items()}


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def named(dashboard: dict[str, Any]) -> set[str]:
    return set(re.findall(r"\briverrun_\w+", " ".join(expressions(dashboard))))


def test_every_metric_that_a_panel_names_is_told(dashboard: dict[str, Any]) -> None:
    told = {f"{name}{suffix}" for name, kind in documented().items() for suffix in SUFFIXES[kind]}
    assert named(dashboard) - told == set()


def test_every_metric_that_is_told_is_on_a_panel(dashboard: dict[str, Any]) -> None:
    shown = named(dashboard)
    unseen = {
        name
        for name, kind in documented().items()
        if not shown & {f"{name}{suffix}" for suffix in SUFFIXES[kind]}
    }
    assert unseen == set()


def test_every_label_that_is_asked_for_is_one_of_its_metrics(dashboard: dict[str, Any]) -> None:
    labels = documented_labels()
    for expression in expressions(dashboard):
        known = OF_PROMETHEUS.union(*(labels[family_of(name)] for name in named_in(expression)))
        grouped = " ".join(re.findall(r"by \(([^)]*)\)", expression))
        matched = " ".join(re.findall(r"(\w+)=~?\"", expression))
        assert set(re.findall(r"\w+", f"{grouped} {matched}")) <= known, expression


def named_in(expression: str) -> list[str]:
    return re.findall(r"\briverrun_\w+", expression)


def family_of(name: str) -> str:
    return next(
        family
        for family, kind in documented().items()
        for suffix in SUFFIXES[kind]
        if name == f"{family}{suffix}"
    )


def test_panels_have_a_place_and_a_number_of_their_own(dashboard: dict[str, Any]) -> None:
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
