"""Serve any ASGI app and tell at the end who blocked its event loop: ``scripts/eventloop_monitor.py package.module:app``.

Ctrl-C or SIGTERM ends it; streams that are still open then have five seconds, and none after a second Ctrl-C. It exits with 1 when
the loop was blocked. Nothing of the app has to be changed.
"""

import argparse
import inspect
import json
import signal
import sys
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.importer import ImportFromStringError, import_from_string

from riverrun.infra.eventloop_monitor import WARN_MS, EventLoopMonitor

GRACE_SECONDS = 5
HIGHEST_PORT = 65_535
ASGI_ARGUMENTS = 3
"""An app takes scope, receive and send."""


class ReportingServer(uvicorn.Server):
    """Ends quietly, so that the report can follow."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def main() -> int:
    parser = make_parser()
    chosen = parser.parse_args()
    sys.path.insert(0, ".")
    try:
        target = load_app(chosen.app, is_factory=chosen.factory)
    except ValueError as error:
        parser.error(str(error))
    packages = chosen.app_package or [top_package(chosen.app)]
    app = EventLoopMonitor(target, warn_ms=chosen.warn_ms, packages=packages)
    config = uvicorn.Config(
        app,
        host=chosen.host,
        port=chosen.port,
        loop=chosen.loop,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = ReportingServer(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run()
    app.join()
    found = app.report.document()
    print(json.dumps(found) if chosen.json else "\n".join(in_words(found)), flush=True)
    return int(found["stalls"] > 0)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("app", help="package.module:app")
    parser.add_argument("--factory", action="store_true", help="it is a function that makes the app")
    parser.add_argument(
        "--app-package",
        action="append",
        metavar="PACKAGE",
        help="whose lines are the app's though it is installed, once for each; that of the app, if none is named",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=8000)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--warn-ms", type=positive, default=WARN_MS, help="what counts as blocked")
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    return parser


def positive(text: str) -> float:
    """A number of milliseconds."""
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def port(text: str) -> int:
    """0 is for any that is free."""
    if not 0 <= (number := int(text)) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {HIGHEST_PORT}")
    return number


def load_app(name: str, *, is_factory: bool) -> Any:
    """The app of that name. ``ValueError`` says what is wrong with it; what its own import raises is not caught."""
    try:
        target = import_from_string(name)
    except ImportFromStringError as error:
        raise ValueError(str(error)) from None
    if not callable(target):
        raise ValueError(f"{name} is no ASGI app")
    if is_factory and not takes(target, 0):
        raise ValueError(f"{name} makes no app: it takes arguments; is it the app itself, without --factory?")
    if not is_factory and takes(target, 0) and not takes(target, ASGI_ARGUMENTS):
        raise ValueError(f"{name} takes no arguments: if it makes the app, add --factory")
    return target() if is_factory else target


def takes(function: Any, count: int) -> bool:
    """Whether it can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):  # some of C have no signature
        return False
    return True


def top_package(name: str) -> str:
    """``package`` of ``package.module:app``."""
    return name.partition(":")[0].partition(".")[0]


def in_words(found: dict[str, Any]) -> list[str]:
    """The report for a person: one line a stall, the longest first, and its stack below."""
    lines = [f"The loop was blocked {found['stalls']} times."]
    for stall in found["worst"]:
        lines.append(
            f"{stall['blocked_time_ms']:8.0f} ms  {stall['method']} {stall['endpoint']}  {stall['line']}"
        )
        lines += [f"             {line}" for line in stall["stack"]]
    lines.append(f"The machine gave it no CPU {found['machine_stalls']} times.")
    where = found["callback"]
    lines.append(
        f"The most CPU of one callback: {found['callback_cpu_ms']} ms, {where['endpoint']} {where['line']}"
    )
    return lines


if __name__ == "__main__":
    sys.exit(main())
