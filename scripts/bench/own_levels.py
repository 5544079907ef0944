"""Levels and numbered benchmarks on servers of our own. Whoever imports this imports the product."""

import argparse
import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence

from bench.arm_levels import AGAIN, NATIVE, measure_levels
from bench.arm_server import HOST, is_offered, open_servers
from bench.load import Address
from bench.options import plan_of
from bench.report import Report
from bench.running_server import url_of
from bench.scenario import Scenario
from bench.site import Site, open_site
from bench.spares import SPARES
from bench.target import Target
from bench.workers import open_workers


def measure_own(targets: Mapping[Target, Report], options: argparse.Namespace) -> None:
    """Levels on all arms, whose servers serve all targets; then the numbered benchmarks. What fails is told."""
    with open_site() as site, SPARES.keeping() if options.smoke else contextlib.nullcontext():
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
            arms["against"] = options.against
        for target, scenarios in played.items():
            report = targets[target]
            if options.against:
                report.environment["against"] = url_of(options.against)
            with report.failing("levels"):
                asyncio.run(measure_levels(arms, scenarios, plan, report))


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
