"""Five hundred readers that come and go leave no task, topic, connection, checkout, descriptor or memory behind."""

import random

import pytest
from sqlalchemy import Engine
from tests.proofs.leaks import seek_leaks

from riverrun.infra.settings import Settings

CYCLES = 500


@pytest.mark.timeout(180)
async def test_readers_that_come_and_go_leave_nothing_behind(settings: Settings, engine: Engine) -> None:
    seed = random.SystemRandom().randrange(2**32)
    report = await seek_leaks(settings, engine, cycles=CYCLES, seed=seed)
    assert report.leaks == {}, f"seed {seed}"
