"""A file's lines, as everybody here counts them."""


def text_lines(content: bytes) -> list[str]:
    """Lines of a file: only a line feed ends one, as in git and the parsers, and the last needs none."""
    lines = content.decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
