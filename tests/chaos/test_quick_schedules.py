"""The quick set: every scene at least once, random steps after each; and proof that it sees a guard's absence."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.chaos_site import ChaosSite, chaos_site
from tests.chaos.directed_acts import ACTS
from tests.chaos.director import Director, schedules_by_rare_path
from tests.chaos.mutants import MUTANTS
from tests.chaos.rare_path_counts import PATHS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SEED = 1
SCHEDULES = 12

SEEN_BY = {
    "without_gap_read": ("gap", {"I3"}),
    "without_watchdog": ("watchdog", {"I2"}),
    "without_ledger": ("redelivery", {"I6"}),
    "without_short_callbacks": ("gap", {"I12"}),
    "without_fence": ("fence", {"I1", "I2", "I3", "I4", "I5", "I10"}),
}
"""The scene of the quick set that misses each guard, and the invariants of which one at least must then be broken."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosSite]:
    with chaos_site(tmp_path_factory.mktemp("chaos") / "site") as site:
        yield site


def test_the_quick_set_finds_no_broken_promise_and_takes_every_rare_path(
    site: ChaosSite, tmp_path: Path
) -> None:
    site.become("")
    outcomes = Director(tmp_path, SEED, SCHEDULES, site=site).run()
    assert len(outcomes) == SCHEDULES >= len(ACTS)
    assert [(one.number, str(found)) for one in outcomes for found in one.objections] == [], tmp_path
    assert set(schedules_by_rare_path(outcomes)) >= set(PATHS)


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_the_quick_set_sees_that_a_guard_was_taken_out(mutant: str, site: ChaosSite, tmp_path: Path) -> None:
    scene, invariants = SEEN_BY[mutant]
    site.become(mutant)
    [outcome] = Director(tmp_path, SEED, SCHEDULES, only=tuple(ACTS).index(scene), site=site).run()
    assert outcome.act == scene
    assert {found.invariant for found in outcome.objections} & invariants, outcome.objections
