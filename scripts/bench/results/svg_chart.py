"""Charts as SVG, written by hand.

A hundred lines do what is needed here: lines and bars, a logarithmic axis, light and dark by the reader's choice. The
libraries that draw bring a numeric tower or scripts inside of the picture, and their output changes with their version;
this one is the same for the same figures, byte for byte.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 44, 40
LEGEND = 26
LEAST_WIDTH = 420
"""Of the names of all arms."""
COLOURS = {
    "blocking": "#d55e00",
    "threads": "#b8860b",
    "plan": "#0072b2",
    "riverrun": "#009e73",
    "raw": "#8a8a8a",
    "riverrun again": "#7fcfb9",
}
"""Told apart by those who do not see red and green, too."""
DASHES = {"blocking": "7 3", "threads": "3 2", "plan": "9 3 2 3", "raw": "2 4"}
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#ddd}.a{stroke:#888}.w{stroke:#222}"
    ".b{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ccc}.g{stroke:#333}.a{stroke:#777}.w{stroke:#ddd}.b{fill:#0d1117}}"
)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One arm's points, from left to right."""

    arm: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Bar:
    """One arm's value, with the ends of its whisker."""

    arm: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Axis:
    """From the least to the most value, and the values that are written."""

    least: float
    most: float
    ticks: Sequence[float]
    is_log: bool = False

    def place(self, value: float) -> float:
        """0 at the least, 1 at the most."""
        if self.is_log:
            value, least, most = (math.log10(max(one, self.least)) for one in (value, self.least, self.most))
        else:
            least, most = self.least, self.most
        return (value - least) / (most - least or 1.0)


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of a picture."""

    title: str
    across: str
    up: str
    lines: Sequence[Line] = ()
    bars: Sequence[Bar] = ()

    @property
    def arms(self) -> list[str]:
        """Whose figures it shows."""
        return [*(line.arm for line in self.lines), *(bar.arm for bar in self.bars)]


def draw(panels: Sequence[Panel], columns: int = 3) -> str:
    """The picture: panels in rows, below them which colour is which arm."""
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    width, height = max(columns * WIDTH, LEAST_WIDTH), rows * HEIGHT + LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect class="b" width="{width}" height="{height}"/>',
    ]
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        parts.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">{_panel(panel)}</g>')
    parts += _legend(panels, rows * HEIGHT + LEGEND / 2)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> str:
    up = (
        log_axis([y for line in panel.lines for _, y in line.points])
        if panel.lines
        else _bar_axis(panel.bars)
    )
    parts = [_text(WIDTH / 2, 18, panel.title, "middle", "t"), *_up_axis(up, panel.up)]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, panel.across, "middle"))
    if panel.lines:
        across = linear_axis([x for line in panel.lines for x, _ in line.points])
        for tick in across.ticks:
            parts.append(_text(_x(across, tick), HEIGHT - BOTTOM + 15, _number(tick), "middle"))
        parts += [_line(line, across, up) for line in panel.lines]
    else:
        parts += _bars(panel.bars, up)
    return "".join(parts)


def _up_axis(axis: Axis, words: str) -> list[str]:
    parts = [_text(4, TOP - 12, words)]
    for tick in axis.ticks:
        y = _y(axis, tick)
        parts.append(f'<path class="g" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 5, y + 4, _number(tick), "end"))
    return [*parts, f'<path class="a" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>']


def _line(line: Line, across: Axis, up: Axis) -> str:
    points = " ".join(f"{_x(across, x):.1f},{_y(up, y):.1f}" for x, y in line.points)
    dash = f' stroke-dasharray="{DASHES[line.arm]}"' if line.arm in DASHES else ""
    colour = COLOURS.get(line.arm, "#8a8a8a")
    return (
        f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dash} points="{points}">'
        f"<title>{escape(line.arm)}</title></polyline>"
    )


def _bars(bars: Sequence[Bar], up: Axis) -> list[str]:
    step = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    parts = []
    for number, bar in enumerate(bars):
        middle, top = LEFT + step * (number + 0.5), _y(up, bar.value)
        low, high = _y(up, bar.low), _y(up, bar.high)
        parts.append(
            f'<rect x="{middle - step * 0.3:.1f}" y="{top:.1f}" width="{step * 0.6:.1f}" '
            f'height="{HEIGHT - BOTTOM - top:.1f}" fill="{COLOURS.get(bar.arm, "#8a8a8a")}"/>'
            f'<path class="w" stroke-width="2" d="M{middle:.1f} {low:.1f}V{high:.1f}"/>'
        )
        parts.append(_text(middle, HEIGHT - BOTTOM + 15, _number(bar.value), "middle"))
    return parts


def _legend(panels: Sequence[Panel], y: float) -> list[str]:
    drawn = {arm for panel in panels for arm in panel.arms}
    parts, x = [], 12.0
    for arm in (arm for arm in COLOURS if arm in drawn):
        dash = f' stroke-dasharray="{DASHES[arm]}"' if arm in DASHES else ""
        colour = COLOURS.get(arm, "#8a8a8a")
        parts.append(f'<path stroke="{colour}" stroke-width="3"{dash} d="M{x:.0f} {y:.0f}h22"/>')
        parts.append(_text(x + 27, y + 4, arm))
        x += 45 + 6.5 * len(arm)
    return parts


def log_axis(values: Sequence[float]) -> Axis:
    """Whole powers of ten around all values above zero."""
    known = [value for value in values if value > 0] or [1.0]
    least, most = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    most = max(most, least + 1)
    return Axis(10.0**least, 10.0**most, [10.0**power for power in range(least, most + 1)], is_log=True)


def linear_axis(values: Sequence[float], *, from_zero: bool = False) -> Axis:
    """Round steps around all values."""
    least, most = (0.0 if from_zero else min(values, default=0.0)), max(values, default=1.0)
    most = most if most > least else least + 1
    step = 10.0 ** math.floor(math.log10((most - least) / 2))
    step = next(step * times for times in (1, 2, 5, 10) if (most - least) / (step * times) <= 6)
    first, last = math.floor(least / step), math.ceil(most / step)
    return Axis(first * step, last * step, [number * step for number in range(first, last + 1)])


def _bar_axis(bars: Sequence[Bar]) -> Axis:
    return linear_axis([bar.high for bar in bars], from_zero=True)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}"
