"""An answer of 300 events cut after every single one: nobody can tell it from one that was never cut."""

from pathlib import Path

import pytest
from tests.proofs.cutpoints import EVENTS, prove_cutpoints

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_cut_after_any_event_leaves_the_bytes_as_they_were(tmp_path: Path) -> None:
    report = prove_cutpoints(tmp_path)
    assert report.failures == {}
    assert (report.events, report.exact) == (EVENTS, EVENTS)
