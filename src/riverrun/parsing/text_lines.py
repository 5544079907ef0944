"""A file's lines, as everybody here counts them."""

from codecs import BOM_UTF8


def text_lines(content: bytes) -> list[str]:
    """Lines of a file: only a line feed ends one, as in git and the parsers, and the last needs none.

    A mark of the byte order, which some editors put before the first, is no part of it.
    """
    lines = content.removeprefix(BOM_UTF8).decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
