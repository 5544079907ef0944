"""``python -m tests.fuzz`` (``make fuzz``): generated requests over the OpenAPI document, against the real application."""

import argparse
import logging
import multiprocessing
import os
import random
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.authz.site import settings_without_rates
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.ground import open_ground
from tests.fuzz.verdicts import Report, sum_of

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.migrations import upgrade

AT_A_TIME = 16
"""Making ready to generate takes longer than a case: so many are drawn each time. The round over all operations is longer for it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=int(os.environ.get("FUZZ_CASES") or 100_000))
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes, each with a share and servers"
    )
    parser.add_argument("--only", default="", help="a regular expression that finds the paths to be asked")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.jobs} processes", flush=True)
    share = partial(fuzz, cases=-(-given.cases // given.jobs), only=given.only)
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn")) as pool:
        report = sum_of(pool.map(share, range(given.seed, given.seed + given.jobs)))
    print("statuses:", dict(sorted(report.statuses.items())), f"asked again without a key: {report.probes}")
    print(report.line)
    return 1 if report.faults else 0


def fuzz(seed: int, cases: int, only: str) -> Report:
    """One process's share, on servers of its own. Faults are told as they are found."""
    logging.disable(logging.WARNING)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServers.start(Path(folder), durable=False) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        settings = settings_without_rates(servers.database_url, servers.redis_url)
        with open_ground(settings, engine) as ground:
            report = Fuzzer(ground, seed, only, AT_A_TIME, partial(print, flush=True)).run(cases)
        engine.dispose()
        return report


if __name__ == "__main__":
    sys.exit(main())
