"""``python -m tests.fuzz`` (``make fuzz``): generated requests over the OpenAPI document, against the real application."""

import argparse
import multiprocessing
import os
import random
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import FrameType

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
    signal.signal(signal.SIGTERM, end_all)
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn")) as pool:
        report = sum_of(pool.map(share, range(given.seed, given.seed + given.jobs)))
    print("statuses:", dict(sorted(report.statuses.items())), f"asked again without a key: {report.probes}")
    print(report.line)
    return 1 if report.faults else 0


def end_all(number: int, frame: FrameType | None) -> None:
    """The processes end with whoever ends this one."""
    for child in multiprocessing.active_children():
        child.terminate()
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
