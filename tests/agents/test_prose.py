import pytest

from riverrun.agents.prose import code_span, first_sentences, listed


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
        ("Reads a file.\n@param path where it lies\n@return the text", "Reads a file."),
        ("Reads a file.\n\n:param path: where it lies", "Reads a file."),
        ("Reads a file.\n    :returns: the text", "Reads a file."),
        ("@return the text", ""),
        ("{@inheritDoc}", ""),
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
