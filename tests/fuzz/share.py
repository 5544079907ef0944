"""One process's share of a long run, on servers of its own."""

import logging
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.authz.site import settings_without_rates
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.ground import open_ground
from tests.fuzz.verdicts import Report

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.migrations import upgrade

DRAWN_AT_ONCE = 16
"""Making ready to generate takes longer than a case: so many are drawn each time. The round over all operations is longer for it."""


def fuzz(seed: int, cases: int, only: str) -> Report:
    """So many cases over the paths that ``only`` finds. Faults are told as they are found."""
    logging.disable(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServers.start(Path(folder), durable=False) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        settings = settings_without_rates(servers.database_url, servers.redis_url)
        with open_ground(settings, engine) as ground:
            report = Fuzzer(ground, seed, only, DRAWN_AT_ONCE, partial(print, flush=True)).run(cases)
        engine.dispose()
        return report
