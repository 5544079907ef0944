"""Whether an IP address leads to the open internet, and not to the inside of somebody's network."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")


def is_public(address: Address) -> bool:
    """Neither the address nor an IPv4 address inside it is private, local, reserved or a group's."""
    return all(one.is_global and not one.is_multicast for one in (address, *_inner_addresses(address)))


def _inner_addresses(address: Address) -> list[Address]:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address in _6TO4:
        return [ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)]
    return []
