"""Metrics as a Prometheus server reads them."""

import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from riverrun.infra.metrics_text import written_at_once

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape_of(families: Iterable[Metric]) -> "Scrape":
    """Families as they are read by whoever gets their text."""
    return Scrape(written_at_once(families).decode())


class Scrape:
    """One scrape's samples, by name and labels."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """A sample's value; none when there is no such."""
        return self._samples.get((name, frozenset(labels.items())))

    def label_values(self, label: str) -> set[str]:
        """All values that a label has anywhere."""
        return {value for _, labels in self._samples for name, value in labels if name == label}


def assert_documented(seen: Scrape, section: str) -> None:
    """A section of docs/metrics.md lists what was told, with its labels, and nothing else."""
    told = {family.name: (family.type, family.documentation) for family in seen.families.values()}
    assert documented_metrics(section) == told
    labels = documented_labels()
    for family in seen.families.values():
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == labels[family.name], family.name


def documented_metrics(section: str) -> dict[str, tuple[str, str]]:
    """Kind and words of each metric in a section's table of docs/metrics.md, by the family's name."""
    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    table = document.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(riverrun_\w+)` \| (\w+) \| [^|]* \| ([^|]+) \|$", table, re.M)
    return {name.removesuffix("_total"): (kind, words) for name, kind, words in rows}


def documented_labels() -> dict[str, set[str]]:
    """Labels of each metric in docs/metrics.md, by the family's name."""
    document = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(riverrun_\w+)` \| \w+ \| ([^|]*) \|", document, re.M)
    return {name.removesuffix("_total"): set(re.findall(r"\w+", labels)) for name, labels in rows}
