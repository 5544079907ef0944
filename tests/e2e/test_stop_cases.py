"""A stop reaches the model in every situation: it says one chunk more at most, and nothing of it is lost or doubled."""

from pathlib import Path

import pytest
from tests.proofs.stops import prove_stops

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

UNHURRIED_SECONDS = 0.4
"""Longer than the worker takes to see a stop in the record, however busy the machine is."""


def test_the_model_says_one_chunk_more_at_most_wherever_the_stop_comes(tmp_path: Path) -> None:
    results = prove_stops(tmp_path, rounds=1, pause_seconds=UNHURRIED_SECONDS)
    assert len({result.case for result in results}) == 8
    assert {result.case: result.chunks for result in results if result.chunks > 1} == {}
