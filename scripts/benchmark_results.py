"""Measure the plan's scripts, write ``docs/async-migration-results.md`` from their JSON, compare two runs.

    python scripts/benchmark_results.py                    write the document from what was measured last
    python scripts/benchmark_results.py --measure plan     measure first: plan, full, or names with commas
    python scripts/benchmark_results.py --compare A B      how many intervals of two folders of JSON overlap

A script that fails, hangs or is not there is told and stops nothing; the document is written again after each.
"""

import argparse
import signal
import sys
from pathlib import Path

from bench.results.document import Document
from bench.results.measuring import ROOT, measure
from bench.results.overlap import overlap_of
from bench.results.plan_steps import FULL, PLAN
from bench.results.raw_results import read_results

SETS = {"plan": PLAN, "full": FULL}
SHARE = 300.0
"""Seconds of a script that is named."""


def main() -> int:
    """1 when something that was to be measured was not, or when too few intervals overlap."""
    given = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is being measured ends, too
    if given.compare:
        return compare(*given.compare)
    is_well = True
    if given.measure:
        shares = SETS.get(given.measure) or dict.fromkeys(given.measure.split(","), SHARE)
        seconds = given.minutes * 60 if given.minutes else sum(shares.values())
        is_well = measure(shares, seconds, given.raw, given.former, lambda: write(given))
    write(given)
    print(f"written: {given.document}")
    if given.measure and any(given.former.glob("*.json")):
        print(overlap_of(read_results(given.former), read_results(given.raw)))
    return 0 if is_well else 1


def parse_arguments() -> argparse.Namespace:
    """Where everything is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", metavar="plan|full|NAME,NAME", help="what to measure first")
    parser.add_argument(
        "--minutes", type=float, help="for everything together; the scripts' shares otherwise"
    )
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help="two folders of JSON")
    parser.add_argument("--raw", type=Path, default=ROOT / "benchmarks" / "latest", help="the JSON")
    parser.add_argument("--former", type=Path, default=ROOT / "benchmarks" / "former", help="the run before")
    parser.add_argument("--baselines", type=Path, default=ROOT / "benchmarks" / "baselines")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "async-migration-results.md")
    return parser.parse_args()


def write(given: argparse.Namespace) -> None:
    """The document and its pictures; pictures of what is no longer there go."""
    document = Document(read_results(given.raw), given.baselines)
    images = given.document.parent / document.images
    images.mkdir(parents=True, exist_ok=True)
    pictures = document.pictures()
    for path in images.glob("*.svg"):
        if path.name not in pictures:
            path.unlink()
    for name, svg in pictures.items():
        (images / name).write_text(svg)
    given.document.write_text(document.text())


def compare(one: Path, other: Path) -> int:
    """Each ratio whose intervals lie apart, then the share of those that overlap."""
    overlap = overlap_of(read_results(one), read_results(other))
    for line in overlap.apart:
        print(f"apart: {line}")
    print(overlap)
    return 0 if overlap.is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
