import logging

import pytest

from riverrun.kit import outage_log
from riverrun.kit.outage_log import OutageLog


@pytest.fixture
def outages(caplog):
    caplog.set_level(logging.INFO, "test.outages")
    return OutageLog(logging.getLogger("test.outages"), "it is there again")


def test_an_outage_is_told_when_it_begins_and_when_it_is_over(outages, caplog):
    outages.worked()
    for number in range(100):
        outages.failed("it is away", OSError(f"try {number}"))
    outages.worked()
    outages.worked()
    outages.failed("it is away", OSError("anew"))
    assert caplog.messages == ["it is away: try 0", "it is there again", "it is away: anew"]


def test_another_kind_of_outage_is_told_at_once(outages, caplog):
    outages.failed("it is away", OSError("refused"))
    outages.failed("it is damaged", OSError("refused"))
    assert caplog.messages == ["it is away: refused", "it is damaged: refused"]


def test_one_that_lasts_is_told_again(outages, caplog, monkeypatch):
    monkeypatch.setattr(outage_log, "REPEAT_SECONDS", 0.0)
    for _ in range(3):
        outages.failed("it is away", OSError("refused"))
    assert len(caplog.messages) == 3
