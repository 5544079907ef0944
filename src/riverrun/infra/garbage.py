"""Python's collector of cycles, tuned for a process that serves thousands of streams."""

import gc

YOUNG_OBJECTS = 10_000
"""New objects before the young ones are looked at. Python's 700 are made by every few events that are read back."""


def collect_calmly() -> None:
    """Call once everything is imported and built: that is never looked at again, and what comes later less often.

    A thousand readers that catch up spent half of their CPU here, and a look at all objects holds the loop.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
