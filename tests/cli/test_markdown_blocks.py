"""A growing text is cut only where nothing before the cut can change any more."""

import pytest

from riverrun.cli.markdown_blocks import closed_length


@pytest.mark.parametrize(
    ("closed", "open_"),
    [
        ("", "one paragraph that still grows"),
        ("", "a paragraph\n\n"),
        ("first\n\n", "second"),
        ("# title\n\npara\n\n", "last"),
        ("", "```python\na\n\nb"),
        ("```\na\n\nb\n```\n\n", "after"),
        ("", "````\n```\n\nstill code"),
        ("", "```\ncode\n\n``` not a closing fence\n\nstill code"),
        ("~~~\n```\n\n~~~\n\n", "after"),
        ("", "- item\n\n  still the item"),
        ("", "1. item\n\n    code of the item"),
    ],
)
def test_a_block_closes_when_the_next_begins(closed: str, open_: str) -> None:
    assert closed_length(closed + open_) == len(closed)


def test_the_closed_part_only_grows_while_text_comes() -> None:
    text = "# a\n\n- b\n\n  c\n\n```\nd\n\ne\n```\n\nf\n\ng\n"
    lengths = [closed_length(text[:end]) for end in range(len(text) + 1)]
    assert lengths == sorted(lengths)
