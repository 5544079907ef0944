"""Text that is stored: what is taken, what is made of it, and that a document's lengths are those of what is sent."""

from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from riverrun.kit.storable_text import STORABLE_LABEL, STORABLE_NAME, StorableText

NAME = TypeAdapter(Annotated[str, Field(min_length=1, max_length=5), STORABLE_NAME])
LABEL = TypeAdapter(Annotated[str, Field(max_length=5), STORABLE_LABEL])


@pytest.mark.parametrize(("sent", "stored"), [(" a b ", "a b"), ("\x1fab\x85", "ab"), ("abcde", "abcde")])
def test_white_space_around_a_name_is_not_stored(sent: str, stored: str) -> None:
    assert NAME.validate_python(sent) == LABEL.validate_python(sent) == stored


@pytest.mark.parametrize("sent", ["abcdef", "abcd  ", "\x1f" * 6, "a\x00", "a\ud800"])
def test_what_is_sent_is_measured_and_must_be_storable(sent: str) -> None:
    for one in (NAME, LABEL):
        with pytest.raises(ValidationError):
            one.validate_python(sent)


def test_a_name_is_not_blank_and_a_label_may_be() -> None:
    assert LABEL.validate_python("  ") == ""
    for blank in ("", "  "):
        with pytest.raises(ValidationError):
            NAME.validate_python(blank)


def test_other_text_stays_as_it_is() -> None:
    assert TypeAdapter(StorableText).validate_python(" a ") == " a "
