"""Secrets as they lie in a database: AES-256-GCM under a named key, readable in the one row they were written for.

A sealed secret is ``rr1.<key id>.<base64url of nonce, ciphertext and tag>``. The key's id and the row are authenticated
with it: copied into another row, or altered, it opens no more. Nonces are random, which is safe for four thousand
million secrets a key.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NewType, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = "rr1"
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_FORM = re.compile(r"[A-Za-z0-9_-]{1,40}")
SEALED_FORM = re.compile(rf"{FORMAT}\.({KEY_ID_FORM.pattern})\.([A-Za-z0-9_-]+)")

Place = NewType("Place", str)
"""Where a secret lies: table, column and row."""


class SecretsError(Exception):
    """Secrets cannot be sealed or opened; the message says why, and never holds a key or a secret."""


class BadKey(SecretsError):
    """A key is none: not 32 bytes in base64, without an id, or with another's."""


class MissingKey(SecretsError):
    """A secret was sealed with a key that is not at hand."""


class WrongSecret(SecretsError):
    """What is to be opened was altered, is another row's, or never was sealed."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """256 random bits and their name. The name is stored with each secret."""

    id: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not KEY_ID_FORM.fullmatch(self.id):
            raise BadKey("A key's id has 1 to 40 letters, digits, - and _.")
        if len(self.key) != KEY_BYTES:
            raise BadKey(f"The key {self.id} has {len(self.key)} bytes; it must have {KEY_BYTES}.")

    @classmethod
    def random(cls, key_id: str) -> Self:
        """A new key."""
        return cls(key_id, secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """``id:base64``. Raises ``BadKey``."""
        key_id, colon, encoded = text.strip().partition(":")
        if not colon:
            raise BadKey("A key is written id:base64.")
        try:
            return cls(key_id, base64.b64decode(encoded, validate=True))
        except binascii.Error as error:
            raise BadKey(f"The key {key_id} is not base64.") from error

    def __str__(self) -> str:
        return f"{self.id}:{base64.b64encode(self.key).decode()}"


class SecretBox:
    """Seals with the first of its keys, opens with each of them."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        if not keys:
            raise BadKey("There must be a key.")
        self._ciphers = {key.id: AESGCM(key.key) for key in keys}
        if len(self._ciphers) < len(keys):
            raise BadKey("Two keys have the same id.")
        self.key_id = keys[0].id

    @classmethod
    def parse(cls, text: str) -> Self:
        """Keys by commas or lines, the one that seals first. Raises ``BadKey``."""
        return cls([SecretKey.parse(part) for part in re.split(r"[,\n]", text) if part.strip()])

    def seal(self, secret: str, place: Place) -> str:
        """The secret as it may be stored in this place, and only there."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self.key_id].encrypt(nonce, secret.encode(), _bound_to(self.key_id, place))
        return f"{FORMAT}.{self.key_id}.{base64.urlsafe_b64encode(nonce + sealed).rstrip(b'=').decode()}"

    def open(self, sealed: str, place: Place) -> str:
        """The secret that was sealed for this place.

        Raises:
            MissingKey: its key is not among ours.
            WrongSecret: altered, another place's, or not sealed at all.
        """
        key_id, encoded = _parts_of(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise MissingKey(f"A secret was sealed with the key {key_id}, which is not among ours.")
        try:
            content = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True)
            secret = cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _bound_to(key_id, place))
        except (InvalidTag, ValueError) as error:
            raise WrongSecret(f"The secret at {place} was altered, or belongs to another row.") from error
        return secret.decode()

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the first key. Raises ``WrongSecret`` when it was not sealed at all."""
        return _parts_of(sealed)[0] == self.key_id


def place_of(table: str, column: str, *row: object) -> Place:
    """The place of a row's column; ``row`` is its primary key."""
    return Place(f"{table}.{column}:{','.join(map(str, row))}")


def _bound_to(key_id: str, place: Place) -> bytes:
    return f"{FORMAT}.{key_id}.{place}".encode()


def _parts_of(sealed: str) -> tuple[str, str]:
    parts = SEALED_FORM.fullmatch(sealed)
    if parts is None:
        raise WrongSecret("What was to be opened is not a sealed secret.")
    return parts[1], parts[2]
