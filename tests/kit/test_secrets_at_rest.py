"""Secrets open in their own row, with a key that is at hand, unaltered; and in no other case."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riverrun.kit.secrets_at_rest import (
    BadKey,
    MissingKey,
    SecretBox,
    SecretKey,
    WrongSecret,
    place_of,
)

OLD = SecretKey("old", bytes(range(32)))
NEW = SecretKey("new", bytes(range(1, 33)))
HERE = place_of("provider_tokens", "refresh_token", 7)
BOX = SecretBox([OLD])


@given(st.text(), st.integers())
def test_what_was_sealed_for_a_row_opens_there_and_in_no_other(secret: str, row: int) -> None:
    place = place_of("table", "column", row)
    sealed = BOX.seal(secret, place)
    assert BOX.open(sealed, place) == secret
    for other in (
        place_of("table", "column", row + 1),
        place_of("table", "other", row),
        place_of("t", "column", row),
    ):
        with pytest.raises(WrongSecret):
            BOX.open(sealed, other)


def test_the_same_secret_is_never_sealed_twice_alike() -> None:
    assert BOX.seal("secret", HERE) != BOX.seal("secret", HERE)


@given(st.data())
def test_an_altered_secret_does_not_open(data: st.DataObject) -> None:
    sealed = BOX.seal("secret", HERE)
    position = data.draw(st.integers(0, len(sealed) - 1))
    altered = sealed[:position] + data.draw(st.characters(codec="ascii")) + sealed[position + 1 :]
    if _decoded(altered) == _decoded(sealed):
        return
    with pytest.raises((WrongSecret, MissingKey)):
        BOX.open(altered, HERE)


def _decoded(sealed: str) -> object:
    """The last character of base64 has bits that stand for nothing."""
    head, _, tail = sealed.rpartition(".")
    try:
        return head, base64.b64decode(tail + "=" * (-len(tail) % 4), b"-_", validate=True)
    except ValueError:
        return sealed


@pytest.mark.parametrize("text", ["", "secret", "rr1.old.", "rr1.old.AAAA", "rr2.old.AAAA", "rr1.old.é"])
def test_what_never_was_sealed_is_a_wrong_secret(text: str) -> None:
    with pytest.raises(WrongSecret):
        BOX.open(text, HERE)


def test_a_new_first_key_seals_and_the_old_one_still_opens() -> None:
    sealed = BOX.seal("secret", HERE)
    both = SecretBox([NEW, OLD])
    assert both.open(sealed, HERE) == "secret"
    assert not both.is_current(sealed)
    assert both.is_current(both.seal("secret", HERE))


def test_a_missing_key_is_named() -> None:
    sealed = BOX.seal("secret", HERE)
    with pytest.raises(MissingKey, match="old"):
        SecretBox([NEW]).open(sealed, HERE)


def test_another_key_of_the_same_name_opens_nothing() -> None:
    with pytest.raises(WrongSecret):
        SecretBox([SecretKey("old", NEW.key)]).open(BOX.seal("secret", HERE), HERE)


def test_keys_are_read_as_they_are_written() -> None:
    box = SecretBox.parse(f" {NEW},\n{OLD}\n")
    assert box.key_id == "new"
    assert box.open(BOX.seal("secret", HERE), HERE) == "secret"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no-colon",
        "short:" + base64.b64encode(b"x" * 31).decode(),
        "long:" + base64.b64encode(b"x" * 33).decode(),
        "none:not base64",
        " :" + base64.b64encode(b"x" * 32).decode(),
        "with.dot:" + base64.b64encode(b"x" * 32).decode(),
        f"{OLD},{OLD}",
    ],
)
def test_a_key_that_is_none_is_refused_and_never_filled_up(text: str) -> None:
    with pytest.raises(BadKey):
        SecretBox.parse(text)


def test_no_error_and_no_representation_shows_a_key() -> None:
    encoded = str(OLD).partition(":")[2]
    assert encoded not in repr(OLD)
    with pytest.raises(BadKey) as refused:
        SecretBox.parse(f"a:{encoded},b:{encoded[:-4]}")
    assert encoded[:-4] not in str(refused.value)
