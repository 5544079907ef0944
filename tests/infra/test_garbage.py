"""The collector leaves alone what the process is built of, and still finds cycles."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from riverrun.infra.garbage import YOUNG_OBJECTS, collect_calmly


class Knot:
    """A cycle of one."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector_of_the_tests() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_built_is_looked_at_no_more_and_later_cycles_are_found() -> None:
    built = Knot()
    collect_calmly()
    is_there = weakref.ref(built)
    del built
    later = [weakref.ref(Knot()) for _ in range(2 * YOUNG_OBJECTS)]
    assert is_there() is not None
    assert sum(knot() is not None for knot in later) <= YOUNG_OBJECTS


def test_all_three_generations_are_still_collected() -> None:
    collect_calmly()
    young, middle, old = gc.get_threshold()
    assert (young, middle, old) == (YOUNG_OBJECTS, 10, 10)
    assert gc.isenabled()
