"""Addresses of repositories, as people write them, in the one form in which we fetch and compare them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from riverrun.code_provider.errors import AddressRefused
from riverrun.code_provider.host_names import HOW_TO_WRITE_HOSTS, bracketed, plain_host

SHORT_FORM = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
PATH = re.compile(r"(/[\w.~+@-]+)+", re.ASCII)
MAX_ADDRESS_CHARS = 1_000
"""Projects are found by an index over their addresses and branches, whose entries have an end."""
EXAMPLE = "Give an https URL such as https://github.com/owner/name, or owner/name."


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """Where to clone from, and what people call it."""

    url: str
    name: str


def parse_address(text: str, *, allowed_hosts: Collection[str] = ()) -> RepositoryAddress:
    """Normalise ``owner/name`` or an https URL; plain http only to hosts that the operator allows by ``host:port``.

    Raises:
        AddressRefused: another scheme, credentials, a query, no path, a host that may be read in two ways, or too long.
    """
    given = text.strip()
    if SHORT_FORM.fullmatch(given) and ".." not in given:
        given = f"https://github.com/{given}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused(f"{text[:200]!r} is no URL. {EXAMPLE}") from error
    is_allowed = f"{host}:{port or (443 if parts.scheme == 'https' else 80)}" in allowed_hosts
    if parts.scheme != "https" and not (parts.scheme == "http" and is_allowed):
        raise AddressRefused(f"{text[:200]!r} is not an https URL. {EXAMPLE}")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("Leave user name and password out of the URL: it is stored and shown.")
    path = parts.path.rstrip("/").removesuffix(".git")
    if not host or not PATH.fullmatch(path) or ".." in path or parts.query or parts.fragment:
        raise AddressRefused(f"{text[:200]!r} names no repository. {EXAMPLE}")
    url = f"{parts.scheme}://{_authority(parts)}{path}"
    if len(url) > MAX_ADDRESS_CHARS:
        raise AddressRefused(f"The address is longer than {MAX_ADDRESS_CHARS:,} characters. {EXAMPLE}")
    return RepositoryAddress(url, path.strip("/"))


def _authority(parts: SplitResult) -> str:
    host = plain_host(parts)
    if host is None:
        raise AddressRefused(f"The host {parts.netloc[:200]!r} is not taken. {HOW_TO_WRITE_HOSTS}")
    return bracketed(host) if parts.port is None else f"{bracketed(host)}:{parts.port}"
