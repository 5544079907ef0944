"""A real OpenID provider (npm's oidc-provider) as a process, and a browser that signs in there."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, RSAKey
from tests.support.node_peers import running_peer

from riverrun.infra.oidc_client import OidcClient
from riverrun.kit.clock import now

CLIENT = "riverrun"
MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class OidcPeer:
    """A provider that listens; ``key`` is what it signs with, so that a test can be its forger."""

    issuer: str
    key: Key
    algorithm: str

    @property
    def host(self) -> str:
        """Its ``host:port``."""
        return self.issuer.removeprefix("http://")

    def client_fields(self, **changed: Any) -> dict[str, Any]:
        """Our settings for it, as an operator writes them down."""
        return {
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret": f"the secret of {CLIENT}: 100% sure",
            **changed,
        }

    def client(self, **changed: Any) -> OidcClient:
        """The same, read."""
        return OidcClient.model_validate(self.client_fields(**changed))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a good ID token of Ann says; a value of None leaves a claim out."""
        moment = int(now().timestamp())
        good = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ann",
            "iat": moment,
            "exp": moment + 300,
            "email": "ann@example.org",
            "email_verified": True,
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def sign(self, claims: dict[str, Any]) -> str:
        """An ID token that only the provider can make."""
        return signed(claims, self.key, self.algorithm)

    async def betray(self, id_token: str) -> None:
        """Have it answer the next code with this ID token."""
        async with httpx2.AsyncClient() as client:
            answer = await client.put(f"{self.issuer}/next-id-token", content=id_token)
        assert answer.status_code == 204


def signed(claims: dict[str, Any], key: Key, algorithm: str, **header: Any) -> str:
    """A JWT, by whatever key and algorithm."""
    head = {"alg": algorithm, "kid": key.kid, **header}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA's name, by which providers go on signing
        return jws.serialize_compact(head, json.dumps(claims), key, algorithms=[algorithm])


@contextmanager
def oidc_peer(
    callback_paths: list[str], *, algorithm: str = "RS256", email_in_id_token: bool = True
) -> Iterator[OidcPeer]:
    """A provider that knows this server by those paths, on loopback and any port."""
    parameters = {"kid": f"{algorithm}-of-the-peer"}
    key: Key = (
        RSAKey.generate_key(2048, parameters)
        if algorithm == "RS256"
        else ECKey.generate_key("P-256", parameters)
    )
    settings = {
        "signing_key": key.as_dict(private=True),
        "algorithm": algorithm,
        "email_in_id_token": email_in_id_token,
        "callbacks": [f"http://127.0.0.1{path}" for path in callback_paths],
    }
    with running_peer("oidc", json.dumps(settings)) as issuer:
        yield OidcPeer(issuer, key, algorithm)


async def sign_in_at_peer(
    browser: httpx2.AsyncClient, url: str, name: str = "ann", *, refuses: bool = False
) -> str:
    """Follow the provider's pages as somebody with a browser; the address by which it sends them back here.

    ``refuses``: at the question whether we may know who they are they say no.
    """
    issuer = url.partition("/auth")[0]
    answer = await browser.get(url)
    for _ in range(MOST_STEPS):
        here = str(answer.url)
        if answer.is_redirect:
            there = urljoin(here, answer.headers["location"])
            if not there.startswith(issuer):
                return there
            answer = await browser.get(there)
        elif refuses:
            answer = await browser.get(f"{here}/abort")
        else:
            assert answer.status_code == 200, answer.text
            is_asked_who = 'name="login"' in answer.text
            form = (
                {"prompt": "login", "login": name, "password": "any"}
                if is_asked_who
                else {"prompt": "consent"}
            )
            answer = await browser.post(here, data=form)
    raise AssertionError(f"the provider does not come to an end: {answer.url}")
