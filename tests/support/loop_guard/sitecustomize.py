"""Lets a witness into the API process of a test's stack, before anything else is imported there.

Python imports a ``sitecustomize`` found on PYTHONPATH at start-up, so the product needs no door for this.
"""

import os
import sys

NOTES = os.environ.get("RIVERRUN_TEST_LOOP_NOTES")
if NOTES and sys.orig_argv[-1:] == ["api"]:
    from loop_witness import watch_this_process
    from planted_routes import add_planted_routes

    watch_this_process(NOTES, prepare=add_planted_routes)
