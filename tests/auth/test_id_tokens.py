"""What makes an ID token good, away from any provider: its algorithm, the key's kind and use, and its claims."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from tests.support.oidc_peers import signed

from riverrun.auth.id_tokens import (
    LEEWAY_SECONDS,
    MOST_LIFETIME_SECONDS,
    Expectation,
    verified_claims,
)
from riverrun.kit.clock import now
from riverrun.kit.problem import NotSignedIn

US = Expectation("https://issuer.example", "us")
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER_CURVE = ECKey.generate_key("P-384", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def claims(**changed: Any) -> dict[str, Any]:
    moment = int(now().timestamp())
    return {"iss": US.issuer, "aud": US.audience, "sub": "ann", "iat": moment, "exp": moment + 60, **changed}


def named(key: Key, **names: str) -> Key:
    """The same key, as a provider publishes it for something."""
    return type(key).import_key({**key.as_dict(private=False), **names})


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
def test_each_algorithm_that_is_taken_is_verified_by_a_key_of_its_kind(key: Key, algorithm: str) -> None:
    token = signed(claims(), key, algorithm)
    assert verified_claims(token, [RSA, EC, ED], US)["sub"] == "ann"
    others = [other for other in (RSA, EC, ED) if other is not key]
    with pytest.raises(NotSignedIn, match="not signed by its provider"):
        verified_claims(token, others, US)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS384"), (RSA, "RS512"), (RSA, "PS512"), (OTHER_CURVE, "ES384")]
)
def test_other_algorithms_are_not_taken_however_good_they_are(key: Key, algorithm: str) -> None:
    with pytest.raises(NotSignedIn, match="not signed in a way"):
        verified_claims(signed(claims(), key, algorithm), [key], US)


def test_a_key_is_used_for_nothing_but_what_it_is_published_for() -> None:
    token = signed(claims(), RSA, "RS256")
    assert verified_claims(token, [named(RSA, use="sig", alg="RS256")], US)
    for unfit in (named(RSA, use="enc"), named(RSA, alg="PS256"), named(RSA, alg="RSA-OAEP")):
        with pytest.raises(NotSignedIn, match="not signed by its provider"):
            verified_claims(token, [unfit], US)
    with pytest.raises(NotSignedIn, match="not signed by its provider"):
        verified_claims(signed(claims(), EC, "ES256"), [OTHER_CURVE], US)


def test_a_demand_in_the_header_that_nobody_understands_is_not_passed_over() -> None:
    token = signed(claims(), RSA, "RS256")
    _, payload, signature = token.split(".")
    head = json.dumps({"alg": "RS256", "kid": "rsa", "crit": ["new"], "new": 1}).encode()
    demanding = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
    with pytest.raises(NotSignedIn):
        verified_claims(f"{demanding}.{payload}.{signature}", [RSA], US)


@pytest.mark.parametrize(
    ("name", "seconds", "is_good"),
    [
        ("exp", -LEEWAY_SECONDS + 5, True),
        ("exp", -LEEWAY_SECONDS - 5, False),
        ("exp", MOST_LIFETIME_SECONDS, True),
        ("exp", MOST_LIFETIME_SECONDS + LEEWAY_SECONDS + 5, False),
        ("iat", LEEWAY_SECONDS - 5, True),
        ("iat", LEEWAY_SECONDS + 5, False),
        ("nbf", LEEWAY_SECONDS - 5, True),
        ("nbf", LEEWAY_SECONDS + 5, False),
    ],
)
def test_clocks_may_differ_by_a_minute_and_no_more(name: str, seconds: int, *, is_good: bool) -> None:
    token = signed(claims(**{name: int(now().timestamp()) + seconds}), EC, "ES256")
    if is_good:
        assert verified_claims(token, [EC], US)
    else:
        with pytest.raises(NotSignedIn):
            verified_claims(token, [EC], US)


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [None, True, "1795537861", [], {}])
def test_a_time_is_a_number(name: str, value: Any) -> None:
    with pytest.raises(NotSignedIn, match="does not say when"):
        verified_claims(signed(claims(**{name: value}), EC, "ES256"), [EC], US)


@pytest.mark.parametrize("subject", [None, "", 7, ["ann"], "a" * 256, "a\0b", "\ud800"])
def test_a_subject_is_text_that_can_be_stored(subject: Any) -> None:
    with pytest.raises(NotSignedIn):
        verified_claims(signed(claims(sub=subject), EC, "ES256"), [EC], US)


@pytest.mark.parametrize("audience", [None, "", "them", ["them"], ["us", "them"], [], {"us": 1}, "us "])
def test_the_audience_is_us_and_nobody_else(audience: Any) -> None:
    with pytest.raises(NotSignedIn, match="another audience"):
        verified_claims(signed(claims(aud=audience), EC, "ES256"), [EC], US)
    assert verified_claims(signed(claims(aud=["us"], azp="us"), EC, "ES256"), [EC], US)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.text(max_size=60) | st.lists(st.text(max_size=20), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(NotSignedIn):
        verified_claims(text, [RSA, EC], US)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "jwk", "x5c", "typ"]), JSON)
    | st.just({"alg": "RS256"}),
    JSON,
    st.binary(max_size=80),
)
def test_any_header_and_payload_without_a_signature_are_refused_in_words(
    head: dict[str, Any], payload: Any, signature: bytes
) -> None:
    parts = [json.dumps(head).encode(), json.dumps(payload).encode(), signature]
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    with pytest.raises(NotSignedIn):
        verified_claims(token, [RSA, EC], US)
