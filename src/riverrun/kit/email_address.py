"""E-mail addresses: compared and stored in one form."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from riverrun.kit.storable_text import Storable

MOST_CHARS = 254
_PART = r"[^@\s\x00-\x1f\x7f-\x9f<>,;\"]+"
FORM = re.compile(f"{_PART}@{_PART}")


def normal_email(address: str) -> str:
    """The address in the form in which it is stored and looked up: composed, in lower case, without white space around it."""
    return unicodedata.normalize("NFC", address).strip().lower()


def _require_address(address: str) -> str:
    normal = normal_email(address)
    if not FORM.fullmatch(normal):
        raise ValueError("it is not an e-mail address")
    return normal


EmailAddress = Annotated[
    str,
    StringConstraints(max_length=MOST_CHARS),
    Storable(rf"^\s*{FORM.pattern}\s*$"),
    AfterValidator(_require_address),
]
"""A field that takes an address in any case, and holds it in the normal form."""
