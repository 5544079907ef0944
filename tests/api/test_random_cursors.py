"""No cursor, header, run id or token breaks a stream's route; to a finished run each position gets its one answer."""

import random

from sqlalchemy import Engine
from tests.proofs.cursor_fuzz import fuzz_cursors

from riverrun.infra.settings import Settings

REQUESTS = 2_000


async def test_random_positions_get_the_documented_answers(settings: Settings, engine: Engine) -> None:
    seed = random.SystemRandom().randrange(2**32)
    report = await fuzz_cursors(settings, engine, requests=REQUESTS, seed=seed)
    assert report.wrong == [], f"seed {seed}"
    assert report.statuses.total() == REQUESTS
    assert {200, 204, 400, 401, 404} <= set(report.statuses), f"seed {seed}"
