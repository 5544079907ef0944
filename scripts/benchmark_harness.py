"""Run any benchmark script: ``benchmark_harness.py --target benchmark_polls.py --concurrency 10,20,50 --rounds 5``."""

import importlib
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import cast

from bench.harness import run
from bench.options import new_parser, parse
from bench.target import Target


def main() -> int:
    """Everything but ``--target`` is the harness' own."""
    parser = new_parser(f"{__doc__} With BASE_URL=http://HOST:PORT only that server is asked.")
    parser.add_argument("--target", type=script, required=True, action="append", help="may be given again")
    options = parse(parser)
    targets = [load(path) for path in options.target]
    for path, target in zip(options.target, targets, strict=True):
        if not (hasattr(target, "NAME") and hasattr(target, "scenarios")):
            parser.error(f"{path} is no target: it declares no NAME or no scenarios")
    return run(targets, parser, options)


def script(text: str) -> Path:
    """One that is there."""
    path = Path(text)
    if path.suffix != ".py" or not path.is_file():
        raise ArgumentTypeError(f"there is no script {text}")
    return path


def load(path: Path) -> Target:
    """A script that declares scenarios."""
    sys.path.insert(0, str(path.resolve().parent))
    return cast(Target, importlib.import_module(path.stem))


if __name__ == "__main__":
    sys.exit(main())
