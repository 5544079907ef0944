"""Providers' documents are kept as long as they say, and fetched once by many."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.support.fake_json_server import FakeJsonServer, fake_json_server
from tests.support.waiting import wait_until_async

from riverrun.auth.provider_documents import PAUSE_SECONDS, ProviderDocuments
from riverrun.infra.outside_client import Answer, OutsideClient
from riverrun.kit.problem import TryAgainLater


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class HeldClient(OutsideClient):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.is_let_go = asyncio.Event()

    async def ask(self, *_: object, **__: object) -> Answer:
        self.asked += 1
        await self.is_let_go.wait()
        return Answer(200, {"issuer": "me"}, {})


@pytest.fixture
def server() -> Iterator[FakeJsonServer]:
    with fake_json_server() as fake:
        yield fake


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def documents(server: FakeJsonServer, clock: Clock) -> AsyncIterator[ProviderDocuments]:
    async with aclosing(OutsideClient({server.host})) as client:
        yield ProviderDocuments(client, clock)


async def test_many_at_once_fetch_a_document_once(
    documents: ProviderDocuments, server: FakeJsonServer
) -> None:
    server.body = {"issuer": "me"}
    found = await asyncio.gather(*(documents.get(server.url) for _ in range(20)))
    assert found == [{"issuer": "me"}] * 20
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("said", "kept_seconds"),
    [
        ("public, max-age=7200", 7_200),
        ("max-age=1", 300),
        ("max-age=999999999", 86_400),
        ("no-store", 3_600),
        ("s-maxage=9000", 3_600),
    ],
)
async def test_a_document_is_kept_as_long_as_its_provider_says_within_bounds(
    documents: ProviderDocuments, server: FakeJsonServer, clock: Clock, said: str, kept_seconds: float
) -> None:
    server.headers = {"cache-control": said}
    await documents.get(server.url)
    clock.seconds = kept_seconds - 1
    await documents.get(server.url)
    assert len(server.asked) == 1
    clock.seconds = kept_seconds
    await documents.get(server.url)
    assert len(server.asked) == 2


async def test_a_new_keys_name_has_the_keys_fetched_again_and_a_forgers_names_do_not(
    documents: ProviderDocuments, server: FakeJsonServer, clock: Clock
) -> None:
    old, new = (RSAKey.generate_key(2048, {"kid": name}).as_dict(private=False) for name in ("old", "new"))
    server.body = {"keys": [old]}
    assert [key.kid for key in await documents.keys(server.url, "old")] == ["old"]
    server.body = {"keys": [old, new]}
    for name in ("new", "forged"):
        assert await documents.keys(server.url, name) == []
    assert len(server.asked) == 1
    clock.seconds = PAUSE_SECONDS
    assert [key.kid for key in await documents.keys(server.url, "new")] == ["new"]
    for number in range(20):
        assert await documents.keys(server.url, f"forged {number}") == []
    assert len(server.asked) == 2


async def test_without_a_name_all_keys_count_that_can_be_used(
    documents: ProviderDocuments, server: FakeJsonServer
) -> None:
    good = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
    server.body = {"keys": [{"kty": "of the future"}, {"kty": "RSA", "n": "!"}, "no key", {}, good]}
    assert [key.kid for key in await documents.keys(server.url, None)] == ["good"]


@pytest.mark.parametrize("body", [{}, {"keys": None}, {"keys": {}}, {"keys": []}])
async def test_a_document_without_keys_has_none(
    documents: ProviderDocuments, server: FakeJsonServer, body: object
) -> None:
    server.body = body
    assert await documents.keys(server.url, "any") == []


@pytest.mark.parametrize(("status", "body"), [(500, {}), (404, {}), (200, []), (200, b"<html>"), (302, {})])
async def test_an_answer_that_is_no_document_is_asked_for_again(
    documents: ProviderDocuments, server: FakeJsonServer, status: int, body: object
) -> None:
    server.status, server.body = status, body
    with pytest.raises(TryAgainLater):
        await documents.get(server.url)
    server.status, server.body = 200, {"issuer": "me"}
    assert await documents.get(server.url) == {"issuer": "me"}


async def test_many_at_once_ask_once_where_nothing_is_to_be_had(
    documents: ProviderDocuments, server: FakeJsonServer
) -> None:
    server.status = 500
    found = await asyncio.gather(*(documents.get(server.url) for _ in range(20)), return_exceptions=True)
    assert {(type(one), str(one)) for one in found} == {(TryAgainLater, str(found[0]))}
    assert len(server.asked) == 1
    with pytest.raises(TryAgainLater):
        await documents.get(server.url)
    assert len(server.asked) == 2


async def test_a_document_that_is_still_good_is_given_though_a_newer_one_is_not_to_be_had(
    documents: ProviderDocuments, server: FakeJsonServer
) -> None:
    server.body = {"issuer": "me"}
    await documents.get(server.url)
    server.status = 500
    newer, kept = await asyncio.gather(
        documents.get(server.url, pause_seconds=0), documents.get(server.url), return_exceptions=True
    )
    assert isinstance(newer, TryAgainLater)
    assert kept == {"issuer": "me"}


async def test_a_forgers_names_do_not_have_a_provider_that_fails_asked_each_time(
    documents: ProviderDocuments, server: FakeJsonServer, clock: Clock
) -> None:
    server.body = {"keys": [ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)]}
    assert await documents.keys(server.url, "good")
    server.status = 500
    for minutes in (1, 2):
        clock.seconds = minutes * 2 * PAUSE_SECONDS
        at_once = [documents.keys(server.url, "forged") for _ in range(5)]
        found = await asyncio.gather(*at_once, return_exceptions=True)
        assert [type(one) for one in found] == [TryAgainLater] * 5
        for number in range(20):
            assert await documents.keys(server.url, f"forged {number}") == []
        assert len(server.asked) == 1 + minutes
    assert await documents.keys(server.url, "good")


async def test_nobody_whose_document_is_good_waits_for_a_forgers_fetch(clock: Clock) -> None:
    async with aclosing(HeldClient()) as client:
        client.is_let_go.set()
        documents = ProviderDocuments(client, clock)
        await documents.get("https://idp.example")
        client.is_let_go.clear()
        clock.seconds = PAUSE_SECONDS
        forger = asyncio.create_task(documents.keys("https://idp.example", "forged"))
        await wait_until_async(lambda: client.asked == 2)
        good = asyncio.create_task(documents.get("https://idp.example"))
        await wait_until_async(good.done)
        assert not forger.done()
        client.is_let_go.set()
        assert await forger == []


async def test_whoever_waits_for_somebody_who_leaves_asks_themselves() -> None:
    async with aclosing(HeldClient()) as client:
        documents = ProviderDocuments(client)
        leaving, waiting = (asyncio.create_task(documents.get("https://idp.example")) for _ in range(2))
        await wait_until_async(lambda: client.asked == 1)
        leaving.cancel()
        await wait_until_async(lambda: client.asked == 2)
        client.is_let_go.set()
        assert await waiting == {"issuer": "me"}
        assert leaving.cancelled()


async def test_a_secret_among_the_keys_verifies_nothing(
    documents: ProviderDocuments, server: FakeJsonServer
) -> None:
    """Whatever a provider publishes, no algorithm that is taken goes with a shared secret."""
    server.body = {"keys": [OctKey.generate_key(256, {"kid": "s"}).as_dict(private=True)]}
    (key,) = await documents.keys(server.url, "s")
    assert key.key_type == "oct"
