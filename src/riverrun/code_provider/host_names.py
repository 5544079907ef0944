"""Hosts as Python, git and curl all read them: what is checked must be what is connected to."""

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
HOW_TO_WRITE_HOSTS = (
    "Write it in ASCII letters and digits, with dots and hyphens between them, and a name of other letters "
    "in its ASCII form (xn--…)."
)


def plain_host(parts: SplitResult) -> str | None:
    """The URL's host in lower case, an IPv6 address without its brackets; none when it may be read in two ways.

    Names of other letters have several ASCII forms, by the standard that is followed, and curl takes ``+`` and ``-``
    before a name for signs of its own.
    """
    host = parts.hostname or ""
    if not parts.netloc.isascii():
        return None
    if "[" in parts.netloc:
        return _ipv6(host)
    return host if _NAME.fullmatch(host) else None


def bracketed(host: str) -> str:
    """A host or address as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def _ipv6(text: str) -> str | None:
    """In its shortest form. One with a zone means something to one machine alone."""
    try:
        return None if "%" in text else str(IPv6Address(text))
    except ValueError:
        return None
