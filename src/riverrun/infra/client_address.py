"""Where a request comes from, as far as that can be known."""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from fastapi import Request

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SITE_PREFIX_BITS = 64
"""What one customer of a provider has of IPv6: who has one of its addresses has them all."""


def network_of(request: Request, trusted_proxies: Collection[Network]) -> str:
    """The client's IPv4 address, or the network of its IPv6 address, to count by.

    The peer's, unless it is one of ``trusted_proxies``; then the last one of ``X-Forwarded-For`` that none of them has
    written about another of them. Whatever stands left of it, the client may have invented.
    """
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    return _counted(_last_untrusted([*forwarded, peer], trusted_proxies))


def _last_untrusted(hops: Sequence[str], trusted_proxies: Collection[Network]) -> str:
    """Go back from the peer for as long as those who say where a request came from can be believed."""
    said_last = hops[-1]
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None:
            return said_last
        said_last = str(address)
        if not any(address in network for network in trusted_proxies):
            return said_last
    return said_last


def _parse(hop: str) -> Address | None:
    """An address as proxies write it: bare, in brackets, or with a port. IPv4 inside IPv6 is IPv4."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _counted(address: str) -> str:
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), SITE_PREFIX_BITS), strict=False))
    return address
