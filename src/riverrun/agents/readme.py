"""What a README says of its repository, and which file is one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from riverrun.agents.prose import whole_sentences
from riverrun.kit.code_fence import fence_behind

README_PATTERNS = ("README*", "readme*", "Readme*")
_ENDINGS = frozenset(["", ".md", ".markdown", ".mdx", ".rst", ".txt", ".rdoc", ".adoc", ".org"])
_MOST_PARAGRAPHS = 3
_UNDERLINE = re.compile(r"[=~-]{3,}\s*")
_HEADING = re.compile(r"#{1,6}(?:\s|$)")
_NO_PROSE = re.compile(r"#|<|!\[|\[!|\[[^]]*\]:|\||[-*+]\s|\d+\.\s|>|\.\. |[=~-]{3}| {4}|\t")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of a text that belong together, counted from 1, and as Markdown on one line."""

    first_line: int
    last_line: int
    text: str


@dataclass(frozen=True, slots=True)
class _Block:
    first_line: int
    lines: Sequence[str]

    @property
    def is_heading(self) -> bool:
        has_line = any(_UNDERLINE.fullmatch(line) for line in self.lines[:2])
        return _HEADING.match(self.lines[0]) is not None or (has_line and len(self.lines) > 1)

    @property
    def is_prose(self) -> bool:
        """No badge, table, list, markup or code, and no sentence that only leads to one."""
        says_something = not _NO_PROSE.match(self.lines[0]) and not self.lines[-1].rstrip().endswith(":")
        return says_something and not self.is_heading

    @property
    def paragraph(self) -> Paragraph:
        words = " ".join(" ".join(self.lines).split())
        return Paragraph(self.first_line, self.first_line + len(self.lines) - 1, whole_sentences(words))


def likeliest_readme(paths: Sequence[str]) -> str | None:
    """The README nearest to the root, before its translations; none when there is none."""
    readmes = [path for path in paths if _is_readme(path)]
    return min(readmes, key=lambda path: (folders_of(path), path.count("."), path), default=None)


def folders_of(path: str) -> int:
    """How many folders a path leads through; the slash of ``owner/name:README.md`` is none of them."""
    return path.rpartition(":")[2].count("/")


def is_document(path: str) -> bool:
    """Whether a file's ending is one of prose, or none at all."""
    return PurePosixPath(path.rpartition(":")[2]).suffix.lower() in _ENDINGS


def introduction(readme: str) -> list[Paragraph]:
    """The first paragraphs that are prose; not beyond the second heading, if there is one before it."""
    found: list[Paragraph] = []
    headings = 0
    for block in _blocks(readme.split("\n")):
        headings += block.is_heading
        if len(found) == _MOST_PARAGRAPHS or (found and block.is_heading and headings > 1):
            break
        if block.is_prose:
            found.append(block.paragraph)
    return found


def _is_readme(path: str) -> bool:
    name = PurePosixPath(path.rpartition(":")[2]).name
    return name.split(".")[0].lower() == "readme" and is_document(path)


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    """Lines between blank ones, without fenced code; a heading that begins with ``#`` is a block of its own."""
    block: list[str] = []
    fence = ""
    for number, line in enumerate([*lines, ""], 1):
        before, fence = fence, fence_behind(line, fence)
        is_code, is_heading = bool(before or fence), _HEADING.match(line) is not None
        is_apart = is_code or is_heading or not line.strip()
        if block and is_apart:
            yield _Block(number - len(block), block)
            block = []
        if is_heading and not is_code:
            yield _Block(number, [line])
        elif not is_apart:
            block.append(line)
