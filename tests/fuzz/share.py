"""One process's share of a long run, on servers of its own."""

import logging
import signal
import sys
from functools import partial

from tests.authz.site import settings_without_rates
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.ground import open_ground
from tests.fuzz.verdicts import Report
from tests.proofs.own_servers import own_servers

DRAWN_AT_ONCE = 16
"""Making ready to generate takes longer than a case: so many are drawn each time. The round over all operations is longer for it."""


def fuzz(seed: int, cases: int, only: str) -> Report:
    """So many cases over the paths that ``only`` finds. Faults are told as they are found."""
    logging.disable(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with own_servers(settings_without_rates) as (settings, engine), open_ground(settings, engine) as ground:
        return Fuzzer(ground, seed, only, DRAWN_AT_ONCE, partial(print, flush=True)).run(cases)
