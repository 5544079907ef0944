"""A provider whose tokens name no key changes its key: people go on coming in."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from tests.support.fake_json_server import FakeJsonServer, fake_json_server

from riverrun.auth.oidc_provider import OidcProvider
from riverrun.auth.provider_documents import PAUSE_SECONDS, ProviderDocuments
from riverrun.infra.oidc_client import OidcClient
from riverrun.infra.outside_client import OutsideClient
from riverrun.kit.clock import now
from riverrun.kit.problem import NotSignedIn

OLD, NEW = (ECKey.generate_key("P-256") for _ in range(2))


class Idp:
    """A provider that publishes one key, without a name; its discovery and its keys are one document."""

    def __init__(self, server: FakeJsonServer, client: OutsideClient) -> None:
        self.server = server
        self.seconds = 0.0
        settings = OidcClient(issuer=server.url, client_id="riverrun")
        documents = ProviderDocuments(client, lambda: self.seconds)
        self.provider = OidcProvider("idp", settings, client, documents)
        self.publish(OLD)

    def publish(self, key: ECKey) -> None:
        """From now on this is its key."""
        url = self.server.url
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        keys = [key.as_dict(private=False)]
        self.server.body = {"issuer": url, **dict.fromkeys(endpoints, f"{url}/keys"), "keys": keys}

    async def who_is(self, key: ECKey, **changed: Any) -> str:
        """Whom a token names that this key has signed."""
        moment = int(now().timestamp())
        good = {"iss": self.server.url, "aud": "riverrun", "sub": "ann", "iat": moment, "exp": moment + 60}
        token = jws.serialize_compact({"alg": "ES256"}, json.dumps({**good, **changed}), key)
        return (await self.provider.identify(token)).provider_uid

    @property
    def fetches(self) -> int:
        """How often the keys were fetched."""
        return sum(asked.path == "/keys" for asked in self.server.asked)


@pytest.fixture
def server() -> Iterator[FakeJsonServer]:
    with fake_json_server() as fake:
        yield fake


@pytest.fixture
async def idp(server: FakeJsonServer) -> AsyncIterator[Idp]:
    async with aclosing(OutsideClient({server.host})) as client:
        yield Idp(server, client)


async def test_a_new_key_without_a_name_is_taken_once_the_pause_is_over(idp: Idp) -> None:
    assert await idp.who_is(OLD) == "ann"
    idp.publish(NEW)
    with pytest.raises(NotSignedIn, match="not signed by its provider"):
        await idp.who_is(NEW)
    idp.seconds = PAUSE_SECONDS
    assert await idp.who_is(NEW) == "ann"
    with pytest.raises(NotSignedIn, match="not signed by its provider"):
        await idp.who_is(OLD)
    assert idp.fetches == 2


async def test_forged_tokens_without_a_name_have_the_keys_fetched_at_most_once_a_pause(idp: Idp) -> None:
    assert await idp.who_is(OLD) == "ann"
    for pauses in (1, 2):
        idp.seconds = pauses * PAUSE_SECONDS
        for _ in range(5):
            with pytest.raises(NotSignedIn, match="not signed by its provider"):
                await idp.who_is(NEW)
        assert idp.fetches == 1 + pauses
    assert await idp.who_is(OLD) == "ann"


async def test_a_token_that_is_refused_for_another_reason_has_nothing_fetched(idp: Idp) -> None:
    assert await idp.who_is(OLD) == "ann"
    idp.seconds = PAUSE_SECONDS
    with pytest.raises(NotSignedIn, match="another audience"):
        await idp.who_is(OLD, aud="another")
    assert idp.fetches == 1
