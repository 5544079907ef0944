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
    parser.add_argument("--target", type=Path, required=True, help="a script that declares scenarios")
    chosen, rest = parser.parse_known_args()
    sys.path.insert(0, str(chosen.target.resolve().parent))
    return run(cast(Target, importlib.import_module(chosen.target.stem)), rest)


if __name__ == "__main__":
    sys.exit(main())
