import pytest

from riverrun.agents.prose import code_span, first_sentences, introduction, listed


@pytest.mark.parametrize(
    ("docstring", "prose"),
    [
        ("", ""),
        ("Sends a request.", "Sends a request."),
        ("One.\n\n    Another paragraph.", "One."),
        ("One on\n    two lines. Two. Three.", "One on two lines. Two."),
        ("Uses e.g. Redis. Fast.", "Uses e.g. Redis. Fast."),
        ("Calls ``send`` and :class:`~a.Client`.", "Calls `send` and `a.Client`."),
        ("Takes *args, **kwargs and __init__.", "Takes `*args`, `**kwargs` and `__init__`."),
        ("Broken `markup here.", "Broken markup here."),
        ("/** Reads a file.\n * Slowly. */", "Reads a file. Slowly."),
        ("/** Reads a file. */", "Reads a file."),
        ("/// Reads a file.\n/// Slowly.", "Reads a file. Slowly."),
        ("# Reads a file.", "Reads a file."),
    ],
)
def test_documentation_becomes_one_line_of_markdown(docstring: str, prose: str) -> None:
    assert first_sentences(docstring) == prose


def test_an_endless_sentence_is_cut_at_a_word() -> None:
    prose = first_sentences("word " * 1_000)
    assert len(prose) < 310
    assert prose.endswith("word …")


def test_no_backtick_breaks_inline_code() -> None:
    assert code_span("a") == "`a`"
    assert code_span("a `b` c") == "`` a `b` c ``"


def test_items_are_listed_as_a_sentence() -> None:
    assert [listed(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


README = """\
# Title
[![badge](https://example.org/b.svg)](https://example.org)

<p align="center">centred</p>

Setext title
============

Does one thing
well with __init__.

```sh
make demo

make test
```

- a list

Second paragraph.

> a quote

Third.

Fourth.
"""


def test_a_readmes_first_prose_is_its_introduction() -> None:
    assert introduction(README) == ["Does one thing well with `__init__`.", "Second paragraph.", "Third."]


def test_a_readme_of_headings_has_no_introduction() -> None:
    assert introduction("# A\n\n## B\n") == []
