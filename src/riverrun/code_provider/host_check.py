"""Whether we may connect to the host of a URL that a user gave, and to which of its addresses."""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.host_names import HOW_TO_WRITE_HOSTS, bracketed, plain_host
from riverrun.kit.public_address import Address, is_public

_UNCLEAR = f"The host of this repository is not taken. {HOW_TO_WRITE_HOSTS} Then add the repository again."


@dataclass(frozen=True, slots=True)
class CheckedHost:
    """A host, and its addresses, all checked, which alone may be connected to; none when a proxy connects for us."""

    host: str
    port: int
    addresses: tuple[str, ...]
    is_trusted: bool = False
    """Whether the operator lets us go there, wherever its name leads."""

    @property
    def name(self) -> str:
        """As ``RIVERRUN_ALLOWED_HOSTS`` has it."""
        return f"{self.host}:{self.port}"

    @property
    def pin(self) -> str | None:
        """What holds git, by curl's option, to the addresses; none for an address, which leads nowhere but to itself."""
        if not self.addresses or _is_address(self.host):
            return None
        return f"{self.name}:{','.join(map(bracketed, self.addresses))}"


def check_host(url: str, *, allowed_hosts: Collection[str] = (), through_proxy: bool = False) -> CheckedHost:
    """Resolve a URL's host and refuse it when any of its addresses is private, unless the operator allows the host.

    All addresses must be public: one private among them is how a name is bent to the inside.
    Raises ``RepositoryFailed``.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    is_allowed = f"{host}:{port}" in allowed_hosts
    if parts.scheme != "https" and not (parts.scheme == "http" and is_allowed):
        raise RepositoryFailed("Repositories are fetched by https only.")
    if plain_host(parts) is None:
        raise RepositoryFailed(_UNCLEAR)
    addresses = _resolve(host, port, may_fail=through_proxy)
    if not is_allowed and not all(map(is_public, addresses)):
        raise RepositoryFailed(
            f"{host} is an address inside a private network: the server does not go there."
        )
    pinned = () if through_proxy else tuple(dict.fromkeys(map(str, addresses)))
    return CheckedHost(host, port, pinned, is_allowed)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str) -> tuple[SplitResult, int]:
    """The URL's parts and its port, given or not."""
    try:
        parts = urlsplit(url)
        return parts, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise RepositoryFailed(_UNCLEAR) from None


def _resolve(host: str, port: int, *, may_fail: bool) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if may_fail:
            return []
        raise RepositoryFailed(f"The host {host} is not known. Is the address right?") from None
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
