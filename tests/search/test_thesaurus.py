"""What people say finds what code calls otherwise."""

import re
from importlib.resources import files

import pytest

from riverrun.parsing.terms import split_terms, stem
from riverrun.search.query_terms import query_concepts
from riverrun.search.thesaurus import MOST_WORDS, code_words, code_words_of_phrases
from riverrun.search.word_forms import base_forms

TABLE = files("riverrun.search").joinpath("thesaurus.txt").read_text("utf-8").splitlines()


def meant_by(question: str) -> set[str]:
    return {word for words in code_words_of_phrases(question) for word in words}


def test_a_word_may_mean_words_of_code() -> None:
    assert "jitter" in code_words("randomize")
    assert list(code_words("riverrun")) == []


def test_a_word_has_what_its_base_forms_have_unless_it_stands_there_itself() -> None:
    assert list(code_words("randomized")) == list(code_words("randomize"))
    assert "insert" in list(code_words("pasted"))[:2], "of past and of paste the likeliest first"
    assert "hmac" in code_words("sign")
    assert "hmac" not in code_words("signal")


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("When does it give up?", "timeout"),
        ("It gave up after tries", "timeout"),
        ("Why is it giving up?", "timeout"),
        ("before trying again", "backoff"),
        ("Why is the log-in refused?", "auth"),
        ("What decides that the user logs in?", "login"),
    ],
)
def test_a_phrase_is_found_in_its_forms_and_with_an_article_inside(question: str, meant: str) -> None:
    assert meant in meant_by(question)


@pytest.mark.parametrize(
    "question",
    [
        "up give",
        "give very much up",
        "What may it give? Up to ten?",
        "give, up",
        "give… up",
        "give] up",
        "give/up",
        "give\n\nup",
    ],
)
def test_words_in_another_order_or_apart_are_no_phrase(question: str) -> None:
    assert "timeout" not in meant_by(question)


@pytest.mark.parametrize("question", ["give\nup", "give\r\n  up", "GIVE UP", "give-up", "‘give up’"])
def test_a_phrase_goes_on_over_the_end_of_a_line(question: str) -> None:
    assert "timeout" in meant_by(question)


def test_what_is_too_long_to_be_a_word_is_not_kept_in_mind() -> None:
    kept = base_forms.cache_info().currsize
    code_words_of_phrases("x" * 9_000)
    assert base_forms.cache_info().currsize == kept


def test_the_longest_phrase_that_begins_at_a_word_counts_and_each_once() -> None:
    [short], [long] = code_words_of_phrases("too many"), code_words_of_phrases("too many connections")
    assert "pool" in set(long) - set(short)
    assert code_words_of_phrases("too many connections, too many connections") == [long]


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert meant_by("x " * (MOST_WORDS - 2) + "give up")
    assert not meant_by("x " * (MOST_WORDS - 1) + "give up")


def test_every_line_of_the_table_says_something_new_once() -> None:
    assert len(TABLE) > 8_000
    said_before = set()
    for line in TABLE:
        said, _, meant = line.partition(": ")
        words, code = said.split(), meant.split()
        assert re.fullmatch(r"[a-z0-9 ]+: [a-z0-9 ]+", line), line
        assert [stem(word) for word in words] == words, line
        assert 1 <= len(code) <= 8, line
        assert len(set(code) | set(words)) == len(code) + len(set(words)), line
        assert said not in said_before
        said_before.add(said)


def test_every_line_can_be_asked_for() -> None:
    for line in TABLE:
        said, _, meant = line.partition(": ")
        if " " in said:
            assert code_words_of_phrases(said)[0] == tuple(meant.split()), line
        else:
            assert query_concepts(said)[0].keys() > set(meant.split()), line


def test_what_code_is_called_is_one_term_of_the_index() -> None:
    lost = [word for line in TABLE for word in line.partition(": ")[2].split() if split_terms(word) != [word]]
    assert lost == []
