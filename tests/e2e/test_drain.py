"""An API that is asked to leave under two hundred readers loses none of them an event."""

from pathlib import Path

import pytest
from tests.proofs.drain import STREAMS, prove_drain

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_two_hundred_readers_are_sent_on_and_miss_nothing(tmp_path: Path) -> None:
    report = prove_drain(tmp_path)
    assert (report.streams, report.resumed) == (STREAMS, STREAMS)
