"""Where a request comes from: the peer, unless a proxy of ours says otherwise, and never what a client invents."""

from ipaddress import ip_network

import pytest
from fastapi import Request

from riverrun.infra.client_address import network_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def request(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 1234) if peer else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, unknown, 10.2.3.4"], "10.2.3.4"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("fd00::1", ["[2001:db8:1:2:ffff::1]:443"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        (None, ["198.51.100.7"], ""),
    ],
)
def test_the_last_hop_that_no_proxy_of_ours_vouches_for_is_counted(
    peer: str | None, forwarded: list[str], counted: str
) -> None:
    assert network_of(request(peer, *forwarded), PROXIES) == counted


def test_without_proxies_of_ours_nobody_is_believed() -> None:
    assert network_of(request("127.0.0.1", "198.51.100.7"), []) == "127.0.0.1"
