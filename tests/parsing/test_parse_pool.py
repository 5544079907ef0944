"""Several helpers at once."""

import sys
from pathlib import Path
from uuid import UUID

import pytest

from riverrun.parsing.parse_client import HelperUnavailable, ParseRequest
from riverrun.parsing.parse_pool import ParsePool

TREACHEROUS = (sys.executable, str(Path(__file__).with_name("treacherous_helper.py")))
PROJECT = UUID(int=1)


def batches(count: int, *, crash_each: int = 10**9) -> list[list[ParseRequest]]:
    return [
        [
            ParseRequest(
                10 * batch + number,
                "a.py",
                "python",
                b"crash always" if (10 * batch + number) % crash_each == 3 else b"x = 1\n",
            )
            for number in range(10)
        ]
        for batch in range(count)
    ]


def test_every_file_is_answered_once_whatever_crashes() -> None:
    with ParsePool(2, TREACHEROUS) as pool:
        replies = [reply for batch in pool.parse(PROJECT, batches(8, crash_each=20)) for reply in batch]
    assert sorted(reply.request.file_id for reply in replies) == list(range(80))
    assert sorted(reply.request.file_id for reply in replies if not reply.rows) == [3, 23, 43, 63]


def test_batches_are_taken_only_a_little_ahead() -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        for batch in batches(1_000):
            taken += 1
            yield batch

    with ParsePool(2, TREACHEROUS) as pool:
        replies = pool.parse(PROJECT, endless())  # type: ignore[arg-type]
        while not next(replies):
            pass
        replies.close()
    assert taken < 20


def test_leaving_early_ends_what_is_under_way_and_the_pool_can_be_used_again() -> None:
    with ParsePool(2, TREACHEROUS, file_timeout_seconds=3_600) as pool:
        replies = pool.parse(PROJECT, [[ParseRequest(1, "a.py", "python", b"hang")]] * 2)
        assert next(replies) == []
        replies.close()
        assert [len(batch) for batch in pool.parse(PROJECT, batches(1)) if batch] == [10]


def test_helpers_outlive_a_parse() -> None:
    with ParsePool(1) as pool:
        list(pool.parse(PROJECT, batches(1)))
        first = pool.pids
        list(pool.parse(PROJECT, batches(1)))
        assert pool.pids == first
    assert pool.pids == [None]


def test_helpers_that_cannot_start_end_the_parse() -> None:
    with ParsePool(2, ("/bin/false",)) as pool, pytest.raises(HelperUnavailable):
        list(pool.parse(PROJECT, batches(3)))
