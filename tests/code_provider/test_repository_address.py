"""Addresses as people write them, in the one form that is stored, checked and fetched."""

import pytest

from riverrun.code_provider.errors import AddressRefused
from riverrun.code_provider.host_check import check_host
from riverrun.code_provider.repository_address import MAX_ADDRESS_CHARS, parse_address


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("owner/name", "https://github.com/owner/name"),
        (" https://GitHub.com/Owner/Name.git/ ", "https://github.com/Owner/Name"),
        ("https://xn--fa-hia.example.com/a/b", "https://xn--fa-hia.example.com/a/b"),
        ("https://my_host-1.example.com:8443/a", "https://my_host-1.example.com:8443/a"),
        ("https://8.8.8.8/a/b", "https://8.8.8.8/a/b"),
        ("https://[2606:4700:0:0::1111]/a/b", "https://[2606:4700::1111]/a/b"),
        ("https://[2606:4700::1111]:8443/a/b", "https://[2606:4700::1111]:8443/a/b"),
    ],
)
def test_an_address_has_one_form(given: str, url: str) -> None:
    assert parse_address(given).url == url
    assert parse_address(url).url == url


@pytest.mark.parametrize(
    "host",
    [
        "faß.example.com",
        "bücher.example.com",
        "\u212aithub.com",
        "example\u3002com",
        "example.com.",
        ".example.com",
        "-x.example.com",
        "+x.example.com",
        "x.example.com-",
        "_x.example.com",
        "exa%6dple.com",
        "a*b.example.com",
        "a,b.example.com",
        "[2606:4700::1111%25eth0]",
        "[v1.x]",
    ],
)
def test_a_host_that_may_be_read_in_two_ways_is_refused_with_what_to_write(host: str) -> None:
    with pytest.raises(AddressRefused, match="ASCII form"):
        parse_address(f"https://{host}/a/b")


@pytest.mark.parametrize(
    "given",
    [
        "http://example.com/a/b",
        "ssh://github.com/a/b",
        "https://me:secret@github.com/a/b",
        "https://github.com/",
        "https://github.com/a/../b",
        "https://github.com/a/b?c=d",
        "https://github.com/a/b#c",
        "https://github.com:x/a",
        "https://[zz]/a",
        "https://2606:4700::1111/a",
        "https:///a/b",
        "",
    ],
)
def test_what_names_no_repository_is_refused(given: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(given)


def test_plain_http_is_for_hosts_that_the_operator_allows() -> None:
    allowed = {"127.0.0.1:3000", "git.inside:80", "::1:3000"}
    for url in ("http://127.0.0.1:3000/a", "http://git.inside/a", "http://[::1]:3000/a"):
        assert parse_address(url, allowed_hosts=allowed).url == url
    assert check_host("http://127.0.0.1:3000/a", allowed_hosts=allowed).addresses == ("127.0.0.1",)
    assert check_host("http://[::1]:3000/a", allowed_hosts=allowed).addresses == ("::1",)
    with pytest.raises(AddressRefused):
        parse_address("http://127.0.0.1:3001/a", allowed_hosts=allowed)


def test_an_address_has_an_end() -> None:
    start = "https://example.com/"
    longest = start + "a" * (MAX_ADDRESS_CHARS - len(start))
    assert parse_address(longest).url == longest
    with pytest.raises(AddressRefused, match=r"longer than 1,000 characters"):
        parse_address(longest + "a")
