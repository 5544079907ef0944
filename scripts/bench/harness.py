"""What every ``benchmark_*`` script is run by: options, servers, levels, the numbered benchmarks, the report."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol
from urllib.parse import urlsplit

from bench.arm_levels import AGAIN, NATIVE, Plan, measure_levels
from bench.arm_server import HOST, is_offered, open_servers
from bench.baseline import regressions
from bench.environment import raise_file_limit
from bench.load import Address
from bench.report import OutOfTime, Report
from bench.scenario import Scenario
from bench.site import Site, open_site
from bench.spares import SPARES
from bench.workers import open_workers

ARMS = ("raw", "riverrun", "plan", "threads", "blocking")
SMOKE = Plan((2,), 2, lone_rounds=1, warm_up=0)
NAMES = ("CONVERSATION_ID", "PROJECT_ID", "WORKSPACE_ID", "RUN_ID")


class Target(Protocol):
    """What a script declares. One with ``NEEDS_WORKERS = True`` has its levels played beside workers that answer."""

    NAME: str

    def prepare(self, site: Site) -> Mapping[str, str]:
        """Make what the scenarios ask for; its names, as the environment would give them for a running server."""
        ...

    def scenarios(self, names: Mapping[str, str], site: Site | None) -> Sequence[Scenario]:
        """The requests to be measured on every arm; no site where somebody else runs the server."""
        ...

    def experiments(self, site: Site, report: Report, *, smoke: bool) -> None:
        """The numbered benchmarks, which need more than requests."""
        ...


def run(targets: Sequence[Target], given: Sequence[str] | None = None) -> int:
    """Measure; the exit code is 1 when the product made errors, when a target is void, or when one has become worse."""
    options = parse_options(given)
    raise_file_limit()
    signal.signal(signal.SIGTERM, end_early)
    reports = [Report(target.NAME, is_smoke=options.smoke) for target in targets]
    try:
        measure_all(dict(zip(targets, reports, strict=True)), options)
    except OutOfTime as early:
        for report in reports:
            report.failures.append(str(early))
    return max(judge(report, options) for report in reports)


def measure_all(targets: Mapping[Target, Report], options: argparse.Namespace) -> None:
    """On servers of our own, or on that of somebody else."""
    if "BASE_URL" in os.environ:
        for target, report in targets.items():
            measure_running(target, options, report)
    else:
        with open_site() as site, SPARES.keeping() if options.smoke else contextlib.nullcontext():
            measure_own(targets, site, options)


def end_early(number: int, frame: FrameType | None) -> None:
    """Break off what is being measured; the report is written all the same.

    Raises:
        OutOfTime: always.
    """
    raise OutOfTime("it was told to end before all was measured")


def judge(report: Report, options: argparse.Namespace) -> int:
    """Keep a report and say what has become worse; 1 when it is not as it should be."""
    if options.json:
        report.write(file_of(report, options.json))
    worse = regressions(report, file_of(report, options.baseline)) if options.baseline else []
    for line in worse:
        print(f"WORSE: {line}")
    is_void = bool(report.void) and not report.is_smoke
    return 1 if worse or report.errors or report.failures or is_void else 0


def file_of(report: Report, path: Path) -> Path:
    """The report's own file, where many have a folder together."""
    return path / f"{report.benchmark}.json" if path.is_dir() else path


def parse_options(given: Sequence[str] | None) -> argparse.Namespace:
    """The harness' options, with the environment's names as their defaults."""
    parser = argparse.ArgumentParser(description="Measure one target on interleaved arms.")
    levels = os.environ.get("CONCURRENT", "10,20,50")
    parser.add_argument("--concurrency", type=numbers, default=numbers(levels), metavar="10,20,50")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", "3")))
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="for how long in all rounds are added to levels whose A/A pair does not agree",
    )
    parser.add_argument(
        "--arms", type=lambda text: text.split(","), default=list(ARMS), metavar=",".join(ARMS)
    )
    parser.add_argument("--against", metavar="URL", help="one more arm: any other server")
    parser.add_argument(
        "--baseline", type=Path, help="a former JSON, or a folder of them; worse: exit code 1"
    )
    parser.add_argument("--json", type=Path, help="write the report to this file, or into this folder")
    parser.add_argument("--no-levels", action="store_true", help="only the numbered benchmarks")
    parser.add_argument("--smoke", action="store_true", help="prove that it works; the figures mean nothing")
    return parser.parse_args(given)


def plan_of(options: argparse.Namespace) -> Plan:
    """How much is asked."""
    if options.smoke:
        return SMOKE
    return Plan(options.concurrency, options.rounds, patience=options.patience)


def numbers(text: str) -> list[int]:
    """``10,20,50``."""
    return [int(part) for part in text.split(",")]


def measure_running(target: Target, options: argparse.Namespace, report: Report) -> None:
    """Only levels, of a server that somebody else runs."""
    arms = {"running": address_of(os.environ["BASE_URL"])}
    names = {name: os.environ[name] for name in NAMES if name in os.environ}
    plan = plan_of(options)
    asyncio.run(measure_levels(arms, target.scenarios(names, None), plan, report))


def measure_own(targets: Mapping[Target, Report], site: Site, options: argparse.Namespace) -> None:
    """Levels on all arms, whose servers serve all targets; then the numbered benchmarks. What fails is told."""
    if not options.no_levels:
        measure_own_levels(targets, site, options)
    for target, report in targets.items():
        with report.failing("the numbered benchmarks"):
            target.experiments(site, report, smoke=options.smoke)


def measure_own_levels(targets: Mapping[Target, Report], site: Site, options: argparse.Namespace) -> None:
    """One target after the other."""
    played: dict[Target, Sequence[Scenario]] = {}
    for target, report in targets.items():
        with report.failing("preparing"):
            played[target] = target.scenarios(target.prepare(site), site)
    played = {target: scenarios for target, scenarios in played.items() if scenarios}
    if not played:
        return
    plan = plan_of(options)
    with contextlib.ExitStack() as stack:
        if any(getattr(target, "NEEDS_WORKERS", False) for target in played):
            stack.enter_context(open_workers(site.settings))
        arms = stack.enter_context(serving(site, options.arms))
        if options.against:
            arms["against"] = address_of(options.against)
        for target, scenarios in played.items():
            with targets[target].failing("levels"):
                asyncio.run(measure_levels(arms, scenarios, plan, targets[target]))


@contextlib.contextmanager
def serving(site: Site, wanted: Sequence[str]) -> Iterator[dict[str, Address]]:
    """A server an arm, all on the same Postgres and Valkey, with an A/A twin of the native one."""
    programs = {arm: "raw-asgi" if arm == "raw" else arm for arm in wanted if is_offered(arm)}
    if NATIVE in programs:
        programs[AGAIN] = NATIVE
    for arm in set(wanted) - programs.keys():
        print(f"the arm {arm} is not measured: this version does not offer it")
    signed_in = f"Authorization: Bearer {site.token}\r\n"
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(open_servers(programs, site.settings))
        yield {name: Address(HOST, server.port, signed_in, server) for name, server in servers.items()}


def address_of(base_url: str) -> Address:
    """A server of somebody else, with ``AUTH_TOKEN`` or a whole ``AUTH_HEADER`` line."""
    parts = urlsplit(base_url)
    header = os.environ.get("AUTH_HEADER", "")
    if token := os.environ.get("AUTH_TOKEN"):
        header = f"Authorization: Bearer {token}"
    authorization = f"{header}\r\n" if header else ""
    return Address(parts.hostname or HOST, parts.port or 80, authorization)


def main(target: Target) -> None:
    """A script's last line."""
    sys.exit(run([target]))
