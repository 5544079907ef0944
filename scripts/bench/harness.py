"""What every ``benchmark_*`` script is run by: options, servers, levels, the numbered benchmarks, the report."""

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from bench.baseline import compare_with, read_baseline
from bench.environment import environment, raise_file_limit
from bench.options import new_parser, parse, plan_of
from bench.report import OutOfTime, Report
from bench.results.raw_results import RawResult
from bench.running_server import measure_running, url_of
from bench.target import Target


def run(targets: Sequence[Target], parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Measure; the exit code is 1 when the product made errors, when a target is void, when one has become worse, or when nothing
    was measured or compared.
    """
    former = read_baselines(targets, parser, options)
    raise_file_limit()
    signal.signal(signal.SIGTERM, end_early)
    server = url_of(options.base) if options.base else ""
    reports = [Report(target.NAME, options.smoke, environment(server)) for target in targets]
    try:
        measure_all(dict(zip(targets, reports, strict=True)), options)
    except OutOfTime as early:
        for report in reports:
            report.failures.append(str(early))
    return max(judge(report, former.get(report.benchmark), options.json) for report in reports)


def read_baselines(
    targets: Sequence[Target], parser: argparse.ArgumentParser, options: argparse.Namespace
) -> Mapping[str, RawResult]:
    """By the benchmark's name, before anything is measured: and before a report takes a baseline's place."""
    names = [target.NAME for target in targets]
    if len(names) > 1 and options.json and not options.json.is_dir():
        parser.error("--json must be a folder, with a slash at its end, for the reports of several targets")
    if not options.baseline:
        return {}
    files = {name: file_of(name, options.baseline) for name in names}
    kept = {name: path for name, path in files.items() if path.exists() or not options.baseline.is_dir()}
    if not kept:
        parser.error(f"--baseline: {options.baseline} has none of {', '.join(names)}")
    for name in files.keys() - kept.keys():
        print(f"not compared: {name}, of which {options.baseline} has nothing")
    try:
        return {name: read_baseline(path, name) for name, path in kept.items()}
    except ValueError as error:
        parser.error(f"--baseline: {error}")


def measure_all(targets: Mapping[Target, Report], options: argparse.Namespace) -> None:
    """On servers of our own, or on that of somebody else."""
    if options.base is None:
        from bench.own_levels import measure_own

        measure_own(targets, options)
        return
    for target, report in targets.items():
        measure_running(target, options.base, plan_of(options), report)


def end_early(number: int, frame: FrameType | None) -> None:
    """Break off what is being measured; the report is written all the same.

    Raises:
        OutOfTime: always.
    """
    raise OutOfTime("it was told to end before all was measured")


def judge(report: Report, former: RawResult | None, kept: Path | None) -> int:
    """Keep a report and say what has become worse; 1 when it is not as it should be."""
    if not (report.arms or report.ratios or report.failures):
        report.fail("nothing was measured")
    if kept:
        report.write(file_of(report.benchmark, kept))
    is_worse = former is not None and has_become_worse(report, former)
    is_void = bool(report.void) and not report.is_smoke
    return 1 if is_worse or report.errors or report.failures or is_void else 0


def has_become_worse(report: Report, former: RawResult) -> bool:
    """Say what has, and what could not be compared."""
    found = compare_with(former, report)
    for line in found.not_compared:
        print(f"not compared: {line}")
    for line in found.worse:
        print(f"WORSE: {line}")
    if not found.compared:
        report.fail("nothing could be compared with the baseline")
    return bool(found.worse)


def file_of(benchmark: str, path: Path) -> Path:
    """A benchmark's own file, where many have a folder together."""
    return path / f"{benchmark}.json" if path.is_dir() else path


def main(target: Target) -> None:
    """A script's last line."""
    parser = new_parser("Measure one target on interleaved arms.")
    sys.exit(run([target], parser, parse(parser)))
