"""Servers outside are asked at addresses that were checked, for a bounded time and a bounded answer."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from tests.support.fake_json_server import FakeJsonServer, fake_json_server

from riverrun.infra import outside_client
from riverrun.infra.outside_client import OutsideClient, Unreachable


@pytest.fixture
def server() -> Iterator[FakeJsonServer]:
    with fake_json_server() as fake:
        yield fake


@pytest.fixture
async def client(server: FakeJsonServer) -> AsyncIterator[OutsideClient]:
    async with aclosing(OutsideClient({server.host})) as client:
        yield client


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """A name server's answer, the one thing outside the machine that these tests need."""

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_the_answer_is_the_status_and_its_json(client: OutsideClient, server: FakeJsonServer) -> None:
    server.status, server.body = 418, {"tea": True}
    answer = await client.ask(
        "POST", f"{server.url}/pot?milk=no", json={"sugar": 2}, headers={"x-cup": "big"}
    )
    assert (answer.status, answer.is_success, answer.document) == (418, False, {"tea": True})
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["x-cup"]) == ("POST", "/pot?milk=no", "big")
    assert (asked.headers["host"], asked.body) == (server.host, b'{"sugar":2}')


async def test_what_is_no_json_is_no_document(client: OutsideClient, server: FakeJsonServer) -> None:
    server.body = b"<html>"
    assert (await client.ask("GET", server.url)).document is None


async def test_a_host_that_the_operator_has_not_named_must_be_public_and_speak_tls(
    server: FakeJsonServer,
) -> None:
    async with aclosing(OutsideClient()) as strict:
        for url in (
            server.url,
            server.url.replace("http", "https"),
            "https://localhost",
            "https://[::1]",
            "ftp://a.example",
        ):
            with pytest.raises(Unreachable):
                await strict.ask("GET", url)
    assert server.asked == []


@pytest.mark.parametrize(
    "inside", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
)
async def test_one_address_inside_among_those_of_a_name_is_enough_to_refuse_it(
    monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", inside)
    async with aclosing(OutsideClient()) as client:
        with pytest.raises(Unreachable, match="inside a private network"):
            await client.ask("GET", "https://issuer.example/keys")


async def test_a_name_with_one_dead_address_is_reached_by_the_next(
    monkeypatch: pytest.MonkeyPatch, server: FakeJsonServer
) -> None:
    port = server.host.rpartition(":")[2]
    async with aclosing(OutsideClient({f"peer.example:{port}"})) as client:
        resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        await client.ask("GET", f"http://peer.example:{port}/")
    assert server.asked[0].headers["host"] == f"peer.example:{port}"


async def test_nobody_is_followed_to_another_address(client: OutsideClient, server: FakeJsonServer) -> None:
    server.status, server.headers = 302, {"location": f"{server.url}/elsewhere"}
    assert (await client.ask("GET", server.url)).status == 302
    assert len(server.asked) == 1


async def test_an_answer_that_is_too_long_is_none(client: OutsideClient, server: FakeJsonServer) -> None:
    server.body = b" " * (outside_client.MOST_ANSWER_BYTES + 1)
    with pytest.raises(Unreachable, match="longer than"):
        await client.ask("GET", server.url)


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_client, "TOTAL_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        async with aclosing(OutsideClient({host})) as client:
            with pytest.raises(Unreachable, match=host):
                await client.ask("GET", f"http://{host}/?secret=1")


async def test_what_went_wrong_is_told_without_the_query(client: OutsideClient) -> None:
    with pytest.raises(Unreachable) as caught:
        await client.ask("GET", "http://127.0.0.1:1/path?key=secret")
    assert "secret" not in str(caught.value)
    with pytest.raises(Unreachable):
        await client.ask("GET", "not an address")


@pytest.mark.parametrize("host", ["a..b", ".a", f"{'a' * 64}.example"])
async def test_a_host_that_cannot_be_looked_up_is_not_reached(host: str) -> None:
    async with aclosing(OutsideClient()) as client:
        with pytest.raises(Unreachable, match=rf"^https://{host}/x: no name server knows") as caught:
            await client.ask("GET", f"https://{host}/x?key=secret")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        {"headers": {"authorization": "Bearer s\u00f6cret"}},
        {"data": {"secret": "\ud800"}},
        {"auth": ("me", "\ud800")},
    ],
)
async def test_a_letter_that_cannot_be_sent_is_said_without_what_it_is_in(
    client: OutsideClient, server: FakeJsonServer, content: dict[str, Any]
) -> None:
    with pytest.raises(Unreachable, match=rf"^{server.url}: a letter .* cannot be sent$"):
        await client.ask("POST", server.url, **content)
    assert server.asked == []


@pytest.mark.parametrize(
    ("url", "is_fit"),
    [
        ("https://issuer.example/auth", True),
        ("http://issuer.example/auth", False),
        ("http://127.0.0.1:1234/auth", True),
        ("javascript:alert(1)", False),
        ("//issuer.example/auth", False),
        ("", False),
        ("https://", False),
        ("https://[::1/auth", False),
        ("https://issuer.example/\x00", False),
    ],
)
async def test_where_browsers_may_be_sent(url: str, *, is_fit: bool) -> None:
    async with aclosing(OutsideClient({"127.0.0.1:1234"})) as client:
        assert client.is_fit(url) is is_fit
