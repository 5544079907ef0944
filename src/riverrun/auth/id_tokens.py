"""ID tokens: signed statements of a provider on who somebody is. What makes one good for us, and nothing else."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key
from joserfc.util import urlsafe_b64decode

from riverrun.auth.person_claims import is_subject
from riverrun.kit.clock import now
from riverrun.kit.problem import NotSignedIn

KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
"""The algorithms that are taken, all of them with a public key, and what kind of key each one needs."""
LEEWAY_SECONDS = 60
"""How far the provider's clock may be off."""
MOST_LIFETIME_SECONDS = 86_400
"""For how long a token may be good: as long as that, a used one is remembered."""
MOST_TOKEN_CHARS = 64_000

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a token must say: who made it, for whom, and, where a browser was sent away for it, for which request.

    Of the algorithms in ``algorithms`` the token names one; the key must be of that algorithm's kind.
    """

    issuer: str
    audience: str
    nonce: str | None = None
    algorithms: Sequence[str] = tuple(KEY_TYPES)


def header_of(token: str) -> Claims:
    """What the token says of its signature. Nothing of it is proven.

    Raises:
        NotSignedIn: it is no token.
    """
    return _json_part(token, 0)


def verified_claims(token: str, keys: Sequence[Key], expected: Expectation) -> Claims:
    """The token's claims, when one of the keys has signed it and it is what is expected.

    Raises:
        NotSignedIn: it is not.
    """
    if not is_signed(token, keys, expected):
        raise NotSignedIn("The ID token is not signed by its provider.")
    return checked_claims(_json_part(token, 1), expected)


def is_signed(token: str, keys: Sequence[Key], expected: Expectation) -> bool:
    """Whether one of the keys has signed the token.

    Raises:
        NotSignedIn: it names an algorithm that is not taken.
    """
    algorithm = str(header_of(token).get("alg"))
    if algorithm not in expected.algorithms:
        raise NotSignedIn("The ID token is not signed in a way that this server takes.")
    return any(_is_signed_by(token, key, algorithm) for key in keys if _fits(key, algorithm))


def unsigned_claims(token: str, expected: Expectation) -> Claims:
    """The claims of a token that nobody signed. Only an emulator's, which the operator has named, are taken so."""
    return checked_claims(_json_part(token, 1), expected)


def checked_claims(claims: Claims, expected: Expectation) -> Claims:
    """The claims, when they are meant for us and for now.

    Raises:
        NotSignedIn: they are not.
    """
    if claims.get("iss") != expected.issuer:
        raise NotSignedIn("The ID token was made by another issuer.")
    if claims.get("aud") not in (expected.audience, [expected.audience]):
        raise NotSignedIn("The ID token was made for another audience.")
    if claims.get("azp", expected.audience) != expected.audience:
        raise NotSignedIn("The ID token was handed to another client.")
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise NotSignedIn("The ID token was not made for this sign-in.")
    if not is_subject(claims.get("sub")):
        raise NotSignedIn("The ID token names nobody.")
    _check_times(claims)
    return claims


def _check_times(claims: Claims) -> None:
    moment = now().timestamp()
    expires_at, issued_at, begins_at = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not all(_is_number(time) for time in (expires_at, issued_at, begins_at)):
        raise NotSignedIn("The ID token does not say when it is valid.")
    if expires_at <= moment - LEEWAY_SECONDS:  # type: ignore[operator]
        raise NotSignedIn("The ID token is too old.")
    if expires_at > moment + MOST_LIFETIME_SECONDS + LEEWAY_SECONDS:  # type: ignore[operator]
        raise NotSignedIn("The ID token is valid for longer than a day, which this server does not take.")
    if max(issued_at, begins_at) > moment + LEEWAY_SECONDS:
        raise NotSignedIn("The ID token is not valid yet.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits(key: Key, algorithm: str) -> bool:
    """A key is used only for what it was made for: its kind, and its algorithm and use where it names them."""
    names = key.as_dict(private=False)
    return (
        key.key_type == KEY_TYPES[algorithm]
        and names.get("use", "sig") == "sig"
        and names.get("alg", algorithm) == algorithm
    )


def _is_signed_by(token: str, key: Key, algorithm: str) -> bool:
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    with warnings.catch_warnings():
        # RFC 9864 renames EdDSA; providers go on signing by the old name.
        warnings.simplefilter("ignore", SecurityWarning)
        try:
            jws.deserialize_compact(token, key, registry=registry)
        except (JoseError, ValueError):
            return False
    return True


def _json_part(token: str, number: int) -> Claims:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > MOST_TOKEN_CHARS:
        raise NotSignedIn("This is no ID token.")
    try:
        document = orjson.loads(urlsafe_b64decode(parts[number].encode("ascii")))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise NotSignedIn("This is no ID token.")
    return document
