"""Text that Postgres can hold: any that UTF-8 can spell, but NUL."""

from typing import Annotated

from pydantic import AfterValidator


def _require_storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("it holds a NUL or half a surrogate pair, which no text has")
    return text


STORABLE = AfterValidator(_require_storable)
"""After other constraints of a string field that goes into the database or is looked up there."""
StorableText = Annotated[str, STORABLE]
