"""Whether an IP address leads to the open internet, and not to the inside of somebody's network."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6. What lies beside it is local (``fec0::``, ``64:ff9b:1::``), or an IPv4 address in an
old form (``::127.0.0.1``), whatever a network makes of it."""


def is_public(address: Address) -> bool:
    """Neither private, local, reserved nor a group's; of an IPv6 address that stands for an IPv4 one, that one counts.

    What Python says of such an IPv6 address itself is another thing in each of its releases.
    """
    judged = _inner_address(address) or address
    if isinstance(judged, ipaddress.IPv6Address) and judged not in _GLOBAL_UNICAST:
        return False
    return judged.is_global and not judged.is_multicast


def _inner_address(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address.ipv4_mapped
