"""``make chaos``: many schedules. CHAOS_SCHEDULES, CHAOS_SEED and CHAOS_ONLY choose which."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.director import Director, schedules_by_rare_path, summary
from tests.chaos.rare_path_counts import PATHS

SCHEDULES = 200
ENOUGH_SCHEDULES = 5
"""A rare path counts as proven in a long run when so many schedules took it."""


def main() -> int:
    count = int(os.environ.get("CHAOS_SCHEDULES") or SCHEDULES)
    only = os.environ.get("CHAOS_ONLY")
    folder = Path(tempfile.mkdtemp(prefix="riverrun-chaos-"))
    director = Director(folder, int(os.environ.get("CHAOS_SEED") or 1), count, int(only) if only else None)
    print(f"chaos: seed {director.seed}, logs in {folder}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        director.run()
    except KeyboardInterrupt:
        print("stopped before its end; this is what was played")
    outcomes = director.outcomes
    reached = schedules_by_rare_path(outcomes)
    print("schedules by rare path: " + ", ".join(f"{path} {reached[path]}" for path in PATHS))
    print(summary(outcomes))
    is_long = only is None and count >= SCHEDULES
    is_rare_path_missed = is_long and any(reached[path] < ENOUGH_SCHEDULES for path in PATHS)
    return int(is_rare_path_missed or any(outcome.objections for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
