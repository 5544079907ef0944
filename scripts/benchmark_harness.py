"""Run any benchmark script: ``benchmark_harness.py --target benchmark_polls.py --concurrency 10,20,50 --rounds 3``."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import cast

from bench.harness import Target, run


def main() -> int:
    """Everything but ``--target`` is the harness' own."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--target", type=Path, required=True, action="append", help="may be given again")
    chosen, rest = parser.parse_known_args()
    return run([load(path) for path in chosen.target], rest)


def load(script: Path) -> Target:
    """A script that declares scenarios."""
    sys.path.insert(0, str(script.resolve().parent))
    return cast(Target, importlib.import_module(script.stem))


if __name__ == "__main__":
    sys.exit(main())
