"""Addresses of servers that an operator names: looked at when the process starts, long before anything is sent."""

from urllib.parse import urlsplit

import httpx2


def is_web_address(url: str) -> bool:
    """Whether a request can be sent there: http or https, a host as name servers know them, a port that there is."""
    try:
        port = urlsplit(url).port
        address = httpx2.URL(url)
        address.host.encode("idna")
    except (ValueError, httpx2.InvalidURL):
        return False
    return address.scheme in ("http", "https") and bool(address.host) and port != 0
