"""Intervals of what was measured in rounds.

Requests of one round share a moment: a neighbour who took the core made all of them late. So whole rounds are drawn, never
single requests; and since the arms take turns within a round, the same rounds are drawn of both sides of a ratio.

Of fewer than ``FEWEST_ROUNDS`` there is no interval: what one to four rounds have in common says next to nothing of the next ones. What
was drawn of three held the true p95 68 times in 100, of five 87 times.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from bench.expanded_percentiles import expanded
from bench.ratios import RESAMPLES, SEED

FEWEST_ROUNDS = 5
Rounds = Sequence[Sequence[float]]
"""The values of each round."""
Figure = Callable[[Sequence[float]], float]
"""What is told of all values together, such as their median."""


def ratio_interval(over: Rounds, under: Rounds, figure: Figure) -> tuple[float, float] | None:
    """The 95 % interval of ``figure(over) / figure(under)``; the same for the same measurements."""
    if (count := min(len(over), len(under))) < FEWEST_ROUNDS:
        return None
    drawn = (figure(above) / figure(below) for above, below in _drawn(over, under, resamples=RESAMPLES))
    return expanded(drawn, count)


def figure_interval(rounds: Rounds, figure: Figure) -> tuple[float, float] | None:
    """The 95 % interval of ``figure``."""
    if len(rounds) < FEWEST_ROUNDS:
        return None
    drawn = (figure(values) for [values] in _drawn(rounds, resamples=RESAMPLES // 10))
    return expanded(drawn, len(rounds))


def _drawn(*sides: Rounds, resamples: int) -> Iterator[list[list[float]]]:
    """So many times as many rounds as there are, pooled; a side without any value in them is drawn again as a whole."""
    dice = random.Random(SEED)
    numbers = range(min(map(len, sides)))
    whole = [_pooled(side, numbers) for side in sides]
    for _ in range(resamples):
        chosen = dice.choices(numbers, k=len(numbers))
        yield [_pooled(side, chosen) or all_of_it for side, all_of_it in zip(sides, whole, strict=True)]


def _pooled(rounds: Rounds, numbers: Sequence[int]) -> list[float]:
    return [value for number in numbers for value in rounds[number]]
