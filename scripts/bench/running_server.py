"""A server that somebody else runs: where it is, how one signs in there, and its levels."""

import asyncio
import os
import re
from urllib.parse import SplitResult, urlsplit

from bench.arm_levels import Plan, measure_levels
from bench.load import Address
from bench.report import Report
from bench.target import Target

RUNNING = "running"
"""The arm's name, wherever the server is: so what was measured before is compared with what runs there now."""
NAMES = ("CONVERSATION_ID", "PROJECT_ID", "WORKSPACE_ID", "RUN_ID")
HEADER_LINE = re.compile(r"[\w!#$%&'*+.^`|~-]+:")


def measure_running(target: Target, address: Address, plan: Plan, report: Report) -> None:
    """Only levels."""
    names = {name: os.environ[name] for name in NAMES if name in os.environ}
    with report.failing("levels"):
        asyncio.run(measure_levels({RUNNING: address}, target.scenarios(names, None), plan, report))


def address_of(base_url: str) -> Address:
    """Of ``http://host:port``, with what ``AUTH_TOKEN`` or ``AUTH_HEADER`` say.

    Raises:
        ValueError: it cannot be asked, and why. The URL is not repeated: it may hold a password.
    """
    parts = urlsplit(base_url)
    if fault := fault_of(parts):
        raise ValueError(f"only http://HOST:PORT can be measured: {fault}")
    assert parts.hostname
    return Address(parts.hostname, parts.port or 80, authorization())


def fault_of(parts: SplitResult) -> str:
    """What is wrong with a URL; nothing when all is well."""
    if parts.scheme != "http":
        return "this begins with no http://, and TLS is not spoken"
    if not parts.hostname:
        return "the host is missing"
    if "@" in parts.netloc:
        return "who signs in is told by AUTH_TOKEN or AUTH_HEADER, not by the URL"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "paths are the scenarios' own"
    try:
        return "" if parts.port != 0 else "the port is no port"
    except ValueError:
        return "the port is no port"


def authorization() -> str:
    """The line of ``AUTH_TOKEN``, or ``AUTH_HEADER``, which is a whole line or what follows ``Authorization:``.

    Raises:
        ValueError: what they hold cannot be in a header.
    """
    header = os.environ.get("AUTH_HEADER", "").strip()
    if token := os.environ.get("AUTH_TOKEN", "").strip():
        header = f"Bearer {token}"
    if not header:
        return ""
    if not (header.isascii() and header.isprintable()):
        raise ValueError("AUTH_TOKEN or AUTH_HEADER holds what cannot be in a header")
    return f"{header if HEADER_LINE.match(header) else f'Authorization: {header}'}\r\n"


def url_of(address: Address) -> str:
    """Where a server is, and nothing of who asks."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{address.port}"
