"""What the rest of a file adds to the score of a chunk."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.search.file_context import (
    COVER_WEIGHT,
    NEIGHBOUR_WEIGHT,
    NEIGHBOURS,
    Match,
    neighbour_score,
    scores_in_file,
)

SCORES = st.lists(st.floats(0, 1e6), min_size=1, max_size=20)


def test_a_chunk_alone_gains_only_by_what_it_holds_itself() -> None:
    assert scores_in_file([Match(5.0, [2.0, 0.0])]) == [5.0 + COVER_WEIGHT * 2.0]


def test_concepts_held_by_different_chunks_cover_the_question_together() -> None:
    one, two = scores_in_file([Match(0.0, [2.0, 0.0]), Match(0.0, [1.0, 3.0])])
    assert one == two == COVER_WEIGHT * 5.0


def test_only_the_best_neighbours_count_and_never_the_chunk_itself() -> None:
    scores = [9.0, 6.0, 3.0, 3.0, 1.0]
    gains = [after - before for after, before in zip(scores_in_file(matches(scores)), scores, strict=True)]
    assert gains == pytest.approx(
        [NEIGHBOUR_WEIGHT * others / NEIGHBOURS for others in (12.0, 15.0, 18.0, 18.0, 18.0)]
    )


def test_neighbours_that_are_not_there_count_nothing() -> None:
    assert neighbour_score(6.0, [6.0, 3.0]) == pytest.approx(3.0 / NEIGHBOURS)


@given(SCORES)
def test_a_file_never_changes_the_order_of_its_own_chunks(scores: list[float]) -> None:
    after = scores_in_file(matches(scores))
    best_first = sorted(range(len(scores)), key=lambda number: -scores[number])
    assert all(
        after[better] >= after[worse] or after[better] == pytest.approx(after[worse])
        for better, worse in pairwise(best_first)
    )


def matches(scores: list[float]) -> list[Match]:
    return [Match(score, []) for score in scores]
