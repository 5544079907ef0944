"""``python -m tests.fuzz`` (``make fuzz``): generated requests over the OpenAPI document, against the real application."""

import argparse
import multiprocessing
import os
import random
import signal
import sys
from functools import partial

from tests.fuzz.share import fuzz
from tests.fuzz.verdicts import sum_of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=int(os.environ.get("FUZZ_CASES") or 100_000))
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=2,
        help="processes, each with servers and a seed of its own (SEED, SEED + 1 ...)",
    )
    parser.add_argument("--only", default="", help="a regular expression that finds the paths to be asked")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.jobs} processes", flush=True)
    share = partial(fuzz, cases=-(-given.cases // given.jobs), only=given.only)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the others end, too
    with multiprocessing.get_context("spawn").Pool(given.jobs) as pool:
        report = sum_of(pool.imap(share, range(given.seed, given.seed + given.jobs)))
    print("statuses:", dict(sorted(report.statuses.items())), f"asked again without a key: {report.probes}")
    print(report.line)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
