"""A former run's figures, and what has become worse since."""

import json
from pathlib import Path
from typing import Any

from bench.report import Report


def regressions(report: Report, baseline: Path) -> list[str]:
    """One line for each error, and for each p95 whose interval lies wholly above the baseline's figure."""
    former: dict[str, Any] = json.loads(baseline.read_text())["arms"]
    lines = []
    for arm, levels in report.arms.items():
        for level, figures in levels.items():
            if figures.get("errors"):
                lines.append(f"{arm}, {level}: {figures['errors']} errors")
            before = former.get(arm, {}).get(level, {}).get("p95_ms")
            interval = figures.get("p95_ci95_ms")
            if before is not None and interval is not None and interval[0] > before:
                lines.append(f"{arm}, {level}: p95 {figures['p95_ms']:.2f} ms, was {before:.2f} ms")
    return lines
