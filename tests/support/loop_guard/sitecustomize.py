"""Watches the API process of a test's stack: each blocking call on its event loop becomes a line in a file.

Python imports a ``sitecustomize`` found on PYTHONPATH at start-up, so the product needs no door for this. The call
still raises, but a broad ``except`` may swallow that: the file is the proof.
"""

import os
import sys
import traceback


def watch(report_path: str) -> None:
    from blockbuster import BlockBuster, blockbuster

    class Reported(blockbuster.BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            with open(report_path, "a") as report:
                report.write(f"{func}\n{''.join(traceback.format_stack(limit=12)[:-2])}\n")

    blockbuster.BlockingError = Reported
    BlockBuster().activate()


REPORT = os.environ.get("RIVERRUN_TEST_LOOP_REPORT")
if REPORT and sys.orig_argv[-1:] == ["api"]:
    watch(REPORT)
