"""Which addresses lead to the open internet."""

from ipaddress import ip_address

import pytest

from riverrun.kit.public_address import is_public


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_a_public_address_is_one_however_it_is_written(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "fec0::1",
        "feff::1",
        "64:ff9b:1::a00:1",
        "64:ff9b:1:ffff::808:808",
        "::127.0.0.1",
        "::8.8.8.8",
        "::",
        "::ffff:0:7f00:1",
        "4000::1",
    ],
)
def test_what_is_inside_stays_inside_in_a_longer_form_too(text: str) -> None:
    assert not is_public(ip_address(text))
