"""Which addresses a user's URL may lead to."""

import socket

import pytest

from riverrun.code_provider.errors import RepositoryFailed
from riverrun.code_provider.host_check import CheckedHost, check_host


def resolving_to(*addresses: str) -> object:
    """A name server's answer, the one thing outside the machine that these tests need."""

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_a_public_host_is_pinned_to_the_addresses_that_were_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("2606:4700::1111", "8.8.8.8", "8.8.8.8"))
    checked = check_host("https://example.com/a/b")
    assert checked == CheckedHost("example.com", 443, ("2606:4700::1111", "8.8.8.8"))
    assert checked.pin == "example.com:443:[2606:4700::1111],8.8.8.8"


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]"])
def test_an_address_needs_no_pin(host: str) -> None:
    assert check_host(f"https://{host}/a/b").pin is None


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("8.8.8.8", "10.0.0.1"))
    with pytest.raises(RepositoryFailed, match="private network"):
        check_host("https://example.com/a/b")


def test_a_host_is_allowed_on_its_port_alone() -> None:
    allowed = {"127.0.0.1:3000"}
    assert check_host("http://127.0.0.1:3000/x", allowed_hosts=allowed).addresses == ("127.0.0.1",)
    with pytest.raises(RepositoryFailed, match="by https only"):
        check_host("http://127.0.0.1:3001/x", allowed_hosts=allowed)
    with pytest.raises(RepositoryFailed, match="private network"):
        check_host("https://127.0.0.1/x", allowed_hosts=allowed)


@pytest.mark.parametrize(
    "url",
    [
        "https://faß.example.com/a/b",
        "https://\u212aithub.com/a/b",
        "https://+x.example.com/a/b",
        "https://-x.example.com/a/b",
        "https://2606:4700::1111/a/b",
        "https://[2606:4700::1111%25eth0]/a/b",
        "https://[zz]/a/b",
    ],
)
def test_a_host_that_git_may_read_in_another_way_is_not_even_looked_up(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Also of a project that was added before such hosts were refused."""
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("8.8.8.8"))
    for through_proxy in (False, True):
        with pytest.raises(RepositoryFailed, match="in its ASCII form"):
            check_host(url, through_proxy=through_proxy)


def test_behind_a_proxy_an_unknown_name_is_left_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    through_proxy = check_host("https://example.com/a", through_proxy=True)
    assert (through_proxy.addresses, through_proxy.pin) == ((), None)
    with pytest.raises(RepositoryFailed, match="is not known"):
        check_host("https://example.com/a")
