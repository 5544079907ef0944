"""What was seen of an arm at a level, as a line."""

from collections.abc import Mapping, Sequence
from typing import Any


def level_line(arm: str, level: str, figures: Mapping[str, Any]) -> str:
    """``ok@4, running: min 1.20, p50 1.81, p95 2.93 [2.50 .. 3.31], p99 3.10, max 3.14 ms; wall 0.024 s; 830.1 requests/s; 0 of 20 wrong``."""
    told = [f"wall {figures['wall_seconds']:,.3f} s", f"{figures['errors']} of {figures['requests']} wrong"]
    if "p50_ms" in figures:
        told.insert(0, latencies(figures))
        told.insert(2, f"{figures['requests_per_second']:,.1f} requests/s")
    return f"{level}, {arm}: {'; '.join(told)}"


def latencies(figures: Mapping[str, Any]) -> str:
    """Of right answers."""
    named = {name: f"{figures[f'{name}_ms']:,.2f}" for name in ("min", "p50", "p95", "p99", "max")}
    named["p95"] += f" {interval_words(figures['p95_ci95_ms'])}"
    return f"{', '.join(f'{name} {value}' for name, value in named.items())} ms"


def interval_words(edges: Sequence[float] | None) -> str:
    """A dash where the rounds were too few for one."""
    return "[-]" if edges is None else f"[{edges[0]:,.2f} .. {edges[1]:,.2f}]"
