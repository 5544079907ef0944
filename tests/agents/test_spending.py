"""An answer's cost: as reported, and estimated only where nothing was."""

import pytest
from pydantic_ai import RunUsage

from riverrun.agents.spending import Spending


@pytest.mark.parametrize(
    ("reported", "is_whole", "tokens"),
    [
        ((100, 20), True, 120),
        ((0, 0), True, 3 + 50),
        ((100, 20), False, 100 + 50),
        ((100, 80), False, 100 + 80),
        ((0, 0), False, 3 + 50),
        ((2**32 - 1, 20), True, 3 + 50),
        ((-1, -1), True, 3 + 50),
        ((100, 2**63), False, 100 + 50),
        ((-1, 20), True, 3 + 50),
        ((0, 20), True, 20),
    ],
)
def test_estimates_stand_in_for_what_was_not_reported(
    reported: tuple[int, int], is_whole: bool, tokens: int
) -> None:
    spending = Spending(usage=RunUsage(input_tokens=reported[0], output_tokens=reported[1]))
    assert spending.tokens(asked_tokens=3, written_tokens=50, is_whole=is_whole) == tokens
