"""Serve any ASGI app and tell at the end who blocked its event loop: ``scripts/eventloop_monitor.py package.module:app``.

Ctrl-C or SIGTERM ends it. It exits with 1 when the loop was blocked. Nothing of the app has to be changed.
"""

import argparse
import json
import signal
import sys
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.importer import import_from_string

from riverrun.infra.eventloop_monitor import WARN_MS, EventLoopMonitor


class ReportingServer(uvicorn.Server):
    """Ends quietly, so that the report can follow."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True


def main() -> int:
    chosen = parse_arguments()
    sys.path.insert(0, ".")
    target = import_from_string(chosen.app)
    app = EventLoopMonitor(target() if chosen.factory else target, warn_ms=chosen.warn_ms)
    config = uvicorn.Config(
        app, host=chosen.host, port=chosen.port, loop=chosen.loop, access_log=False, log_level="warning"
    )
    server = ReportingServer(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run()
    app.join()
    found = app.report.document()
    print(json.dumps(found) if chosen.json else "\n".join(in_words(found)), flush=True)
    return int(found["stalls"] > 0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("app", help="package.module:app")
    parser.add_argument("--factory", action="store_true", help="it is a function that makes the app")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--warn-ms", type=float, default=WARN_MS, help="what counts as blocked")
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    return parser.parse_args()


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
