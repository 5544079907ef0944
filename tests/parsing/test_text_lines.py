"""Lines, counted the same by everybody."""

import pytest

from riverrun.parsing.text_lines import text_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\x0cc\n", ["a\r", "b\x0cc"]),
        ("a\u2028b\n".encode(), ["a\u2028b"]),
        (b"\xff\n", ["\ufffd"]),
        (b"\xef\xbb\xbf# Title\n\xef\xbb\xbfx", ["# Title", "\ufeffx"]),
    ],
)
def test_only_a_line_feed_ends_a_line_and_a_mark_before_the_first_is_none_of_it(
    content: bytes, lines: list[str]
) -> None:
    assert text_lines(content) == lines
