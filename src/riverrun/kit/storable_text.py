"""Text that Postgres can hold: any that UTF-8 can spell, but NUL."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

ANY_TEXT = r"^[^\u0000]*$"
NOT_SPACE = r"[^\s\u0000\u001c-\u001f\u0085]"
"""A character that is left when white space is stripped off, here and in the regular expressions of the API's clients."""
NOT_BLANK = rf"^[^\u0000]*{NOT_SPACE}[^\u0000]*$"


def _require_storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("it holds a NUL or half a surrogate pair, which no text has")
    return text


def _stripped(text: str) -> str:
    return _require_storable(text).strip()


def _stripped_name(text: str) -> str:
    if not (name := _stripped(text)):
        raise ValueError("nothing but white space is no name")
    return name


@dataclass(frozen=True, slots=True)
class Storable:
    """After other constraints of a string field that goes into the database or is looked up there.

    ``said`` is the pattern by which the API's document describes what the field takes; ``take`` makes of it what is stored.
    White space is stripped off here and not by pydantic, which does it before it measures: the document says the length of
    what is sent.
    """

    said: str = ANY_TEXT
    take: Callable[[str], str] = _require_storable

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.take, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        described.setdefault("pattern", self.said)
        return described


STORABLE = Storable()
STORABLE_LABEL = Storable(take=_stripped)
"""The same for what is stripped of white space."""
STORABLE_NAME = Storable(NOT_BLANK, _stripped_name)
"""The same for what is stripped of white space and must not be empty then."""
StorableText = Annotated[str, STORABLE]
