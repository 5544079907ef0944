from hypothesis import given
from hypothesis import strategies as st

from riverrun.agents.code_window import MOST_LINES, best_window
from riverrun.agents.deps import Excerpt, Location


def excerpt(text: str, start: int = 1, path: str = "a.py") -> Excerpt:
    lines = text.split("\n")
    return Excerpt(Location("r", None, path, start, start + len(lines) - 1, "b"), text, 1_000)


def test_a_short_definition_is_shown_whole_with_its_own_place() -> None:
    window = best_window(excerpt("    def f():\n        return 1", start=10), ["return"])
    assert window
    assert (window.place.start_line, window.place.end_line, window.is_whole) == (10, 11, True)
    assert window.fenced == "```python\ndef f():\n    return 1\n```"


def test_of_a_long_definition_the_lines_are_shown_where_the_terms_meet() -> None:
    body = [f"    step_{number}()" for number in range(40)]
    body[30] = "    follow_redirect(limit)"
    window = best_window(excerpt("\n".join(["def f():", *body])), ["redirect", "limit"])
    assert window
    assert len(window.lines) == MOST_LINES
    assert "    follow_redirect(limit)" in window.lines
    assert not window.is_whole


def test_the_docstring_is_not_shown_again() -> None:
    text = 'def f():\n    """Redirect redirect.\n\n    redirect\n    """\n' + "\n".join(
        f"    a{n}()" for n in range(40)
    )
    window = best_window(excerpt(text), ["redirect"])
    assert window
    assert window.lines[0] == "    a0()"


def test_a_window_begins_at_the_outer_indentation_and_ends_with_no_open_block() -> None:
    body = [line for number in range(20) for line in (f"    if a{number}:", f"        b{number}()")]
    window = best_window(excerpt("\n".join(["def f():", *body])), ["b15"])
    assert window
    assert window.lines[0].startswith("    if")
    assert not window.lines[-1].endswith(":")


def test_a_window_of_a_class_begins_with_a_member() -> None:
    members = [
        line for n in range(10) for line in (f"    def m{n}(self):", "        x()", "        needle()", "")
    ]
    window = best_window(excerpt("\n".join(["class A:", '    """Doc."""', "", *members])), ["needle"])
    assert window
    assert window.lines[0].startswith("    def m")


def test_code_with_fences_of_its_own_stays_in_one_block() -> None:
    window = best_window(excerpt("```\ncode\n```", path="README.md"), [])
    assert window
    assert window.fenced == "````markdown\n```\ncode\n```\n````"


def test_any_question_is_compared_with_lines_of_any_length() -> None:
    """Pair by pair it would be twenty thousand million looks."""
    lines = [" ".join(f"word{line}x{number}" for number in range(9_000)) for line in range(400)]
    lines[200] = "needle " + lines[200]
    window = best_window(
        excerpt("\n".join(lines)), ["needle", *(f"other{number}" for number in range(5_300))]
    )
    assert window
    assert lines[200] in window.lines


def test_of_a_line_the_first_thousand_characters_are_read() -> None:
    lines = ["a = 1"] * 100
    lines[30], lines[70] = "x" * 1_000 + " needle", "x" * 900 + " needle"
    window = best_window(excerpt("\n".join(lines)), ["needle"])
    assert window
    assert lines[70] in window.lines


def test_blank_lines_only_are_no_window() -> None:
    assert best_window(excerpt("\n\n"), []) is None


def test_a_definition_that_is_all_docstring_shows_no_code() -> None:
    for closing in ('    """', "    never closed"):
        text = "\n".join(["class A:", '    """Doc.', *["    more"] * 40, closing])
        assert best_window(excerpt(text), ["more"]) is None


@given(
    st.lists(
        st.sampled_from(["", "class A:", "    def f(self):", '    """', "        x()", ")", "needle", "```"]),
        min_size=1,
    )
)
def test_a_window_is_always_a_part_of_what_was_read(lines: list[str]) -> None:
    whole = excerpt("\n".join(lines), start=5)
    window = best_window(whole, ["needle"])
    if window:
        assert list(window.lines) == lines[window.place.start_line - 5 : window.place.end_line - 4]
        assert len(window.lines) <= MOST_LINES
