"""Reading which runs a stream is to follow."""

import pytest

from riverrun.kit.ids import new_uuid
from riverrun.streaming.cursor import Cursor
from riverrun.streaming.errors import MalformedCursor
from riverrun.streaming.wanted_runs import MAX_RUNS, parse_wanted

ONE, OTHER = new_uuid(), new_uuid()


def test_each_run_may_have_a_position_of_its_own() -> None:
    wanted = parse_wanted([f"{ONE}@2-17", f"{OTHER}"], None)
    assert [(run.run_id, run.cursor) for run in wanted] == [(ONE, Cursor(2, 17)), (OTHER, Cursor(0, 0))]


def test_an_events_id_wins_over_the_positions_beside_the_runs() -> None:
    wanted = parse_wanted([f"{ONE}@2-17", f"{OTHER}@5"], "3-4,x")
    assert [run.cursor for run in wanted] == [Cursor(3, 4), None]


@pytest.mark.parametrize(
    ("runs", "vector"),
    [
        ([], None),
        (["garbage"], None),
        ([f"{ONE}@garbage"], None),
        ([f"{ONE}@1-2@3"], None),
        ([f"{ONE}", f"{ONE}@3"], None),
        ([f"{ONE}", f"{OTHER}"], "1-2"),
        ([f"{ONE}"], "1-2,1-3"),
        ([f"{ONE}"], "-1"),
        ([str(new_uuid()) for _ in range(MAX_RUNS + 1)], None),
    ],
)
def test_what_cannot_be_read_is_refused(runs: list[str], vector: str | None) -> None:
    with pytest.raises(MalformedCursor):
        parse_wanted(runs, vector)
