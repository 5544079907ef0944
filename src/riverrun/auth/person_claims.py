"""What an ID token says of a person, in the form that we keep. Claims are others' text: what does not fit is left out."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from riverrun.kit.email_address import EmailAddress
from riverrun.kit.storable_text import StorableText

MOST_NAME_CHARS = 100
_EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)
_TEXT: TypeAdapter[str] = TypeAdapter(StorableText)


def email_in(claims: Mapping[str, Any]) -> str | None:
    """The address, whether it is verified or not."""
    return _valid(_EMAIL, claims.get("email"))


def is_vouched_for(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that the address is the person's. Some write it as a word."""
    verified = claims.get("email_verified")
    return verified is True or verified == "true"


def name_in(claims: Mapping[str, Any]) -> str:
    """What the person is called; may be empty."""
    return (_valid(_TEXT, claims.get("name")) or "").strip()[:MOST_NAME_CHARS]


def is_subject(value: Any) -> bool:
    """Whether it can be a person's id at a provider."""
    return bool(_valid(_TEXT, value)) and len(value) <= 255


def _valid(kind: TypeAdapter[str], value: Any) -> str | None:
    try:
        return kind.validate_python(value, strict=True)
    except ValidationError:
        return None
