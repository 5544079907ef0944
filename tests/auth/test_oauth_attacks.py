"""The table of attacks on signing in by another provider, against real ones: each is refused for its own reason,
nobody is signed in, and nothing is written."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.oidc_peers import OidcPeer, sign_in_at_peer, signed
from tests.support.sso_visits import (
    SsoSite,
    begin,
    changed_query,
    come_in,
    flow_cookies,
    is_signed_in,
    query_of,
    start_path,
    way_back,
)

ANOTHER_KEY = RSAKey.generate_key(2048, {"kid": "RS256-of-the-peer"})
"""Not the provider's, though it says so."""
EVIL = "https://evil.example"


@dataclass(frozen=True, slots=True)
class Scene:
    """A victim and an attacker, each with a browser, at one server."""

    site: SsoSite
    victim: httpx2.AsyncClient
    attacker: httpx2.AsyncClient


@pytest.fixture
async def scene(sso_site: SsoSite, engine: Engine) -> AsyncIterator[Scene]:
    """The victim has an account, whose address is known to be hers."""
    make_person(engine, "ann@example.org")
    async with sso_site.browser() as victim, sso_site.browser() as attacker:
        yield Scene(sso_site, victim, attacker)


Attack = Callable[[Scene], Coroutine[Any, Any, httpx2.Response]]


async def state_of_another_browser(scene: Scene) -> httpx2.Response:
    """The attacker has the victim open the end of a sign-in of his: she would work in his account."""
    await begin(scene.victim)
    return await scene.victim.get(await way_back(scene.attacker, name="mallory"))


async def no_cookie(scene: Scene) -> httpx2.Response:
    url = await way_back(scene.victim)
    scene.victim.cookies.clear()
    return await scene.victim.get(url)


async def no_state(scene: Scene) -> httpx2.Response:
    return await scene.victim.get(changed_query(await way_back(scene.victim), state=None))


async def state_that_was_used(scene: Scene) -> httpx2.Response:
    url = await way_back(scene.victim, name="unverified-ann")
    ((name, secret),) = flow_cookies(scene.victim).items()
    await scene.victim.get(url)
    return await scene.victim.get(url, headers={"cookie": f"{name}={secret}"})


async def code_that_was_used(scene: Scene) -> httpx2.Response:
    used = query_of(await way_back(scene.victim, name="unverified-ann"))
    await scene.victim.get("/api/v1/sso/first/callback", params=used)
    fresh = await way_back(scene.attacker, name="mallory")
    return await scene.attacker.get(changed_query(fresh, code=used["code"]))


async def stolen_code_in_a_flow_of_ones_own(scene: Scene) -> httpx2.Response:
    """The code was never used; but the attacker's browser has another verifier than hers."""
    stolen = query_of(await way_back(scene.victim))["code"]
    return await scene.attacker.get(
        changed_query(await way_back(scene.attacker, name="mallory"), code=stolen)
    )


async def second_providers_code_at_the_firsts_callback(scene: Scene) -> httpx2.Response:
    url = await way_back(scene.victim, "second")
    return await scene.victim.get(url.replace("/sso/second/", "/sso/first/"))


async def firsts_flow_answered_by_the_second(scene: Scene) -> httpx2.Response:
    """Mix-up: the code goes to whom the flow was begun with, who would learn another provider's code."""
    state = query_of(await begin(scene.victim))["state"]
    answer = query_of(await way_back(scene.attacker, "second"))
    return await scene.victim.get("/api/v1/sso/first/callback", params={**answer, "state": state})


async def answer_that_does_not_say_whose_it_is(scene: Scene) -> httpx2.Response:
    return await scene.victim.get(changed_query(await way_back(scene.victim), iss=None))


async def provider_that_refuses(scene: Scene) -> httpx2.Response:
    url = await sign_in_at_peer(scene.victim, await begin(scene.victim), refuses=True)
    assert query_of(url)["error"] == "access_denied"
    return await scene.victim.get(url)


async def error_beside_a_good_code(scene: Scene) -> httpx2.Response:
    return await scene.victim.get(changed_query(await way_back(scene.victim), error="server_error"))


async def no_code(scene: Scene) -> httpx2.Response:
    return await scene.victim.get(changed_query(await way_back(scene.victim), code=None))


async def code_that_was_made_up(scene: Scene) -> httpx2.Response:
    return await scene.victim.get(changed_query(await way_back(scene.victim), code="a" * 43))


async def verified_elsewhere_only(scene: Scene) -> httpx2.Response:
    """An account at the provider with the victim's address, which nobody has verified there."""
    return await come_in(scene.attacker, name="unverified-ann")


FLOW_ATTACKS: list[tuple[Attack, int, str]] = [
    (state_of_another_browser, 401, "was not begun in this browser"),
    (no_cookie, 401, "was not begun in this browser"),
    (no_state, 401, "was not begun in this browser"),
    (state_that_was_used, 401, "was not begun in this browser"),
    (code_that_was_used, 401, "does not take its own code back"),
    (stolen_code_in_a_flow_of_ones_own, 401, "does not take its own code back"),
    (second_providers_code_at_the_firsts_callback, 401, "was not begun in this browser"),
    (firsts_flow_answered_by_the_second, 401, "does not come from the provider that was asked"),
    (answer_that_does_not_say_whose_it_is, 401, "does not come from the provider that was asked"),
    (provider_that_refuses, 401, "First & Co has not signed you in"),
    (error_beside_a_good_code, 401, "First & Co has not signed you in"),
    (no_code, 401, "First & Co has not signed you in"),
    (code_that_was_made_up, 401, "does not take its own code back"),
    (verified_elsewhere_only, 403, "does not vouch for your e-mail address"),
]


@pytest.mark.parametrize(
    ("attack", "status", "reason"), [pytest.param(*row, id=row[0].__name__) for row in FLOW_ATTACKS]
)
async def test_no_attack_on_the_way_gets_through(
    scene: Scene, attack: Attack, status: int, reason: str
) -> None:
    before = scene.site.rows()
    require_refused(await attack(scene), status, reason)
    assert scene.site.rows() == before
    assert not is_signed_in(scene.victim)
    assert not is_signed_in(scene.attacker)


ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    EVIL,
    "evil.example",
    "javascript:alert(1)",
    "https:evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/ö",
    "//[",
    "//\u2100",
    "",
)


async def test_nobody_is_sent_on_to_another_server(scene: Scene) -> None:
    for path in ELSEWHERE:
        answer = await scene.victim.get(start_path("first", next=path))
        require_refused(answer, 400, "a path of this server")
        assert not flow_cookies(scene.victim)


Forgery = Callable[[OidcPeer, dict[str, Any]], str]


def part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def signed_by_nobody(peer: OidcPeer, claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none'})}.{part(claims)}."


def signed_by_nobody_under_a_good_name(peer: OidcPeer, claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'RS256', 'kid': peer.key.kid})}.{part(claims)}."


def signed_with_the_public_key_as_a_secret(peer: OidcPeer, claims: dict[str, Any]) -> str:
    known_to_all = peer.key.as_pem(private=False)
    whole = f"{part({'alg': 'HS256', 'kid': peer.key.kid})}.{part(claims)}"
    mac = hmac.new(known_to_all, whole.encode(), hashlib.sha256).digest()
    return f"{whole}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed_by_another_key(peer: OidcPeer, claims: dict[str, Any]) -> str:
    return signed(claims, ANOTHER_KEY, "RS256")


def bringing_its_own_key(peer: OidcPeer, claims: dict[str, Any]) -> str:
    return signed(claims, ANOTHER_KEY, "RS256", jwk=ANOTHER_KEY.as_dict(private=False))


def naming_a_key_that_is_not_there(peer: OidcPeer, claims: dict[str, Any]) -> str:
    return signed(claims, ANOTHER_KEY, "RS256", kid="of-nobody")


def changed_after_it_was_signed(peer: OidcPeer, claims: dict[str, Any]) -> str:
    head, _, signature = peer.sign(claims).split(".")
    return f"{head}.{part({**claims, 'sub': 'somebody-else'})}.{signature}"


def saying(**changed: Any) -> Forgery:
    """Signed by the provider itself, and yet not for us or not for now; numbers are seconds from now."""

    def made(peer: OidcPeer, claims: dict[str, Any]) -> str:
        moment = claims["iat"]
        times = {name: changed[name] for name in ("exp", "iat", "nbf") if changed.get(name) is not None}
        said = {**claims, **changed, **{name: moment + seconds for name, seconds in times.items()}}
        return peer.sign({name: value for name, value in said.items() if value is not None})

    return made


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "alg none": (signed_by_nobody, "not signed in a way that this server takes"),
    "no signature": (signed_by_nobody_under_a_good_name, "not signed by its provider"),
    "HS256 with the public key": (
        signed_with_the_public_key_as_a_secret,
        "not signed in a way that this server takes",
    ),
    "another key": (signed_by_another_key, "not signed by its provider"),
    "its own key": (bringing_its_own_key, "not signed by its provider"),
    "an unknown key": (naming_a_key_that_is_not_there, "not signed by its provider"),
    "changed": (changed_after_it_was_signed, "not signed by its provider"),
    "wrong issuer": (saying(iss=EVIL), "made by another issuer"),
    "issuer with a slash more": (
        lambda peer, said: peer.sign({**said, "iss": f"{peer.issuer}/"}),
        "another issuer",
    ),
    "no issuer": (saying(iss=None), "made by another issuer"),
    "wrong audience": (saying(aud="another-app"), "made for another audience"),
    "several audiences": (saying(aud=["riverrun", "another-app"]), "made for another audience"),
    "no audience": (saying(aud=None), "made for another audience"),
    "handed to another client": (saying(azp="another-app"), "handed to another client"),
    "expired": (saying(exp=-120, iat=-500), "too old"),
    "without an end": (saying(exp=None), "does not say when it is valid"),
    "good for ever": (saying(exp=10 * 365 * 86_400), "longer than a day"),
    "of tomorrow": (saying(iat=3_600, exp=7_200), "not valid yet"),
    "not before tomorrow": (saying(nbf=3_600), "not valid yet"),
    "nobody's": (saying(sub=None), "names nobody"),
    "of an empty name": (saying(sub=""), "names nobody"),
}
OF_ANOTHER_FLOW: dict[str, tuple[Forgery, str]] = {
    "nonce missing": (saying(nonce=None), "not made for this sign-in"),
    "nonce of another": (saying(nonce="another"), "not made for this sign-in"),
}
UNREADABLE = (".", "..", "a.b", "a.b.c", "a.b.c.d", "W10.W10.W10", "ö.ö.ö", "bnVsbA.e30.")


async def test_no_forged_id_token_gets_through_behind_a_code(scene: Scene) -> None:
    """Whoever can make the provider, or the line to it, answer with a token of theirs."""
    before, peer = scene.site.rows(), scene.site.first
    table = FORGERIES | OF_ANOTHER_FLOW
    refused = {}
    for name, (forge, reason) in table.items():
        asked = await begin(scene.victim)
        await peer.betray(forge(peer, peer.claims(nonce=query_of(asked)["nonce"])))
        answer = await scene.victim.get(await sign_in_at_peer(scene.victim, asked))
        refused[name] = is_refused(answer, 401, reason)
    assert refused == dict.fromkeys(table, True)
    assert scene.site.rows() == before
    assert not is_signed_in(scene.victim)


async def test_no_forged_id_token_gets_through_by_itself(scene: Scene) -> None:
    before, peer = scene.site.rows(), scene.site.first
    refused = {
        name: is_refused(await bring(scene, forge(peer, peer.claims())), 401, reason)
        for name, (forge, reason) in FORGERIES.items()
    }
    assert refused == dict.fromkeys(FORGERIES, True)
    assert scene.site.rows() == before


async def test_the_same_tokens_would_pass_if_they_were_not_forged(scene: Scene) -> None:
    """So that no row of the table is refused for a reason that is not its own."""
    peer = scene.site.first
    asked = await begin(scene.attacker)
    await peer.betray(peer.sign(peer.claims(sub="b", email="b@example.org", nonce=query_of(asked)["nonce"])))
    assert (await scene.attacker.get(await sign_in_at_peer(scene.attacker, asked, "b"))).status_code == 303
    assert is_signed_in(scene.attacker)
    assert (await bring(scene, peer.sign(peer.claims(sub="c", email="c@example.org")))).status_code == 202


async def test_what_is_no_token_is_refused(scene: Scene) -> None:
    for text in UNREADABLE:
        assert is_refused(await bring(scene, text), 401, "This is no ID token"), text
    for text in ("", "x" * 70_000, "a\0.b.c"):
        assert is_refused(await bring(scene, text), 422, "id_token"), text[:12]


async def test_an_id_token_signs_in_once(scene: Scene) -> None:
    token = scene.site.first.sign(scene.site.first.claims(sub="bob", email="bob@example.org"))
    assert (await bring(scene, token)).status_code == 202
    before = scene.site.rows()
    require_refused(await bring(scene, token), 401, "used already")
    assert scene.site.rows() == before


async def test_a_signature_that_was_rewritten_makes_no_new_token_of_a_used_one(scene: Scene) -> None:
    """Of an elliptic curve's signature (r, s) anybody can make (r, n - s), which is as good."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = scene.site.second.sign(scene.site.second.claims(sub="bob", email="bob@example.org"))
    assert (await bring(scene, token, "second")).status_code == 202
    said, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    rewritten = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    again = f"{said}.{base64.urlsafe_b64encode(rewritten).rstrip(b'=').decode()}"
    assert again != token
    require_refused(await bring(scene, again, "second"), 401, "used already")


async def test_a_token_of_one_provider_is_nothing_at_another(scene: Scene) -> None:
    token = scene.site.second.sign(scene.site.second.claims())
    require_refused(await bring(scene, token, "first"), 401, "not signed by its provider")


async def test_a_token_counts_for_its_own_address_alone(scene: Scene) -> None:
    before = scene.site.rows()
    token = scene.site.first.sign(scene.site.first.claims(sub="mallory", email="mallory@example.org"))
    answer = await bring(scene, token, email="ann@example.org")
    require_refused(answer, 401, "another address")
    assert scene.site.rows() == before


async def test_an_address_that_is_not_plainly_verified_opens_no_account(scene: Scene) -> None:
    before = scene.site.rows()
    for vouched in (False, None, "false", 1, "yes", [True]):
        token = scene.site.first.sign(scene.site.first.claims(email_verified=vouched))
        require_refused(await bring(scene, token), 403, "does not vouch for your e-mail address")
    assert scene.site.rows() == before


async def test_another_sites_page_signs_nobody_in(scene: Scene) -> None:
    """Else it could have a victim work in an account of the attacker's."""
    before = scene.site.rows()
    scene.victim.headers["origin"] = EVIL
    token = scene.site.first.sign(scene.site.first.claims(sub="mallory", email="mallory@example.org"))
    require_refused(await bring(scene, token), 403, "not sent by a page of this server")
    assert scene.site.rows() == before
    assert not is_signed_in(scene.victim)


async def bring(scene: Scene, id_token: str, provider: str = "first", **more: str) -> httpx2.Response:
    body = {"sso_provider": provider, "id_token": id_token, **more}
    return await scene.victim.post("/api/v1/sso/login", json=body)


def is_refused(answer: httpx2.Response, status: int, reason: str) -> bool:
    is_problem = answer.headers["content-type"] == "application/problem+json"
    return is_problem and answer.status_code == status and reason in answer.json()["detail"]


def require_refused(answer: httpx2.Response, status: int, reason: str) -> None:
    assert is_refused(answer, status, reason), f"{answer.status_code} {answer.text}"
