"""Forms of English words as code and questions use them."""

import pytest

from riverrun.search.synonyms import SYNONYMS
from riverrun.search.word_forms import base_forms, word_forms


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("redirected", "redirect"),
        ("redirection", "redirect"),
        ("configuration", "configure"),
        ("sent", "send"),
        ("stopped", "stop"),
        ("retried", "retry"),
        ("decides", "decides"),
        ("parsing", "parse"),
        ("parse", "parser"),
        ("compress", "compression"),
        ("stop", "stopping"),
        ("generate", "generator"),
        ("initialization", "initialize"),
    ],
)
def test_a_word_is_found_in_its_other_form(asked: str, written: str) -> None:
    assert written in word_forms(asked)


def test_a_short_word_has_no_stem() -> None:
    assert base_forms("red") == {"red"}
    assert base_forms("id") == {"id"}


def test_synonyms_go_both_ways_and_never_name_the_word_itself() -> None:
    for word, others in SYNONYMS.items():
        assert word not in others
        assert all(word in SYNONYMS[other] for other in others)
        assert word == word.lower().strip()
