"""A former run's figures, and what has become worse since."""

import json
from pathlib import Path
from typing import Any

from bench.report import SYNC_ARMS, Report


def regressions(report: Report, baseline: Path) -> list[str]:
    """One line for each level with errors but those of the sync arms, each p95 whose interval lies wholly above the
    baseline's figure, and each ratio whose interval lies wholly on the worse side of the baseline's.
    """
    before = json.loads(baseline.read_text())
    return [*_worse_levels(report, before["arms"]), *_worse_ratios(report, before["ratios"])]


def _worse_ratios(report: Report, former: list[dict[str, Any]]) -> list[str]:
    """Only ratios with a target: the others are of arms that nobody improves."""
    values = {(ratio["id"], ratio["name"]): ratio["value"] for ratio in former}
    lines = []
    for ratio in report.ratios:
        before = values.get((ratio.id, ratio.name))
        if before is None or ratio.target is None or ratio.ci95 is None:
            continue
        low, high = ratio.ci95
        if low > before if ratio.bound == "<=" else high < before:
            lines.append(f"benchmark {ratio.id}, {ratio.name}: {ratio.value:.3g}, was {before:.3g}")
    return lines


def _worse_levels(report: Report, former: dict[str, Any]) -> list[str]:
    lines = []
    for arm, levels in report.arms.items():
        for level, figures in levels.items():
            if figures.get("errors") and arm not in SYNC_ARMS:
                lines.append(f"{arm}, {level}: {figures['errors']} errors")
            before = former.get(arm, {}).get(level, {}).get("p95_ms")
            interval = figures.get("p95_ci95_ms")
            if before is not None and interval is not None and interval[0] > before:
                lines.append(f"{arm}, {level}: p95 {figures['p95_ms']:.2f} ms, was {before:.2f} ms")
    return lines
