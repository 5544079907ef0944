"""The harness' options, with the environment's names as their defaults. What makes no sense is refused in a sentence, exit code 2."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.arm_levels import Plan
from bench.load import Address
from bench.round_bootstrap import FEWEST_ROUNDS
from bench.running_server import address_of

ARMS = ("raw", "riverrun", "plan", "threads", "blocking")
SMOKE = Plan((2,), 2, lone_rounds=1, warm_up=0)
OF_OUR_OWN = ("arms", "against", "no_levels")
"""Options that mean something only where we start the servers."""


def new_parser(description: str) -> argparse.ArgumentParser:
    """Without the target, which is a script's own affair."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--concurrency",
        type=each(at_least_one),
        default=os.environ.get("CONCURRENT", "10,20,50"),
        metavar="10,20,50",
    )
    parser.add_argument(
        "--rounds",
        type=at_least_one,
        default=os.environ.get("ROUNDS", str(FEWEST_ROUNDS)),
        help=f"of each level; of fewer than {FEWEST_ROUNDS} there are no intervals, and nothing to compare",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="for how long in all rounds are added to levels whose A/A pair does not agree",
    )
    parser.add_argument("--arms", type=each(an_arm), metavar=",".join(ARMS))
    parser.add_argument(
        "--against", type=told(address_of), metavar="URL", help="one more arm: any other server"
    )
    parser.add_argument(
        "--baseline", type=Path, help="a former JSON, or a folder of them; worse: exit code 1"
    )
    parser.add_argument(
        "--json", type=told(writable), help="write the report to this file, or into this folder"
    )
    parser.add_argument("--no-levels", action="store_true", default=None, help="only the numbered benchmarks")
    parser.add_argument("--smoke", action="store_true", help="prove that it works; the figures mean nothing")
    return parser


def parse(parser: argparse.ArgumentParser, given: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, and in ``base`` the address of ``BASE_URL``, none where servers of our own are started."""
    options = parser.parse_args(given)
    options.base = running(parser)
    if options.base is not None:
        for name in OF_OUR_OWN:
            if getattr(options, name) is not None:
                parser.error(
                    f"--{name.replace('_', '-')} means nothing with BASE_URL: only that server is asked"
                )
    options.arms = options.arms or ARMS
    return options


def running(parser: argparse.ArgumentParser) -> Address | None:
    """The server of somebody else that is to be measured."""
    if "BASE_URL" not in os.environ:
        return None
    try:
        return address_of(os.environ["BASE_URL"])
    except ValueError as error:
        parser.error(f"BASE_URL: {error}")


def plan_of(options: argparse.Namespace) -> Plan:
    """How much is asked."""
    if options.smoke:
        return SMOKE
    return Plan(options.concurrency, options.rounds, patience=options.patience)


def told(function: Callable[[str], object]) -> Callable[[str], object]:
    """An option's type whose errors are told as they are."""

    def of(text: str) -> object:
        try:
            return function(text)
        except (ValueError, OSError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return of


def each(kind: Callable[[str], object]) -> Callable[[str], object]:
    """Several with commas between them."""
    return lambda text: [kind(part) for part in text.split(",")]


def at_least_one(text: str) -> int:
    """A count."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def an_arm(text: str) -> str:
    """One that is known."""
    if text not in ARMS:
        raise argparse.ArgumentTypeError(f"there is no arm {text!r}, only {', '.join(ARMS)}")
    return text


def writable(text: str) -> Path:
    """A file whose folder is made; with a slash at the end, a folder."""
    path = Path(text)
    (path if text.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
    return path
