"""Files and folders that a question names: by a path, a line of a file, or the frames of a stack trace."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from riverrun.agents.question_terms import terms

CHARS_READ = 10_000
"""A pasted log says in its head what it is about."""
_MOST_FILES = 6
_LONGEST_TOKEN = 400
_MOST_OTHER_TERMS = 1
_PYTHON_FRAME = re.compile(r'File "([^"\n]{1,400})", line (\d{1,7})')
_TOKEN = re.compile(r"[^\s\"'`()<>\[\],;?!]+")
_LINE_BEHIND = re.compile(r":(\d{1,7})(?:[-–:]L?\d{1,7})?$")
_LINE_IN_WORDS = re.compile(r"\blines? (\d{1,7})\b", re.IGNORECASE)
_LINE_MARKS = (":line ", "#L")
_FOLDER = re.compile(r"(?:[\w.@+-]+/)+[\w.@+-]*")
_KNOWN_ENDINGS = """
    bat c cc cfg conf cpp cs css csv cxx ex exs go gradle h hh hpp htm html ini ipynb java js json jsx kt lock lua m md mjs
    mod php pl proto ps1 py pyi r rb rs rst sass scala scss sh sql sum svelte swift tf toml ts tsx txt vue xml yaml yml
"""
_ENDINGS = frozenset(_KNOWN_ENDINGS.split())
_KNOWN_NAMES = "CODEOWNERS Dockerfile Gemfile Jenkinsfile Justfile LICENSE Makefile Procfile Rakefile"
_NAMES_WITHOUT_ENDING = frozenset(_KNOWN_NAMES.split())


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as it is written in a question, or as the index lists it; ``line`` is 0 when none is named."""

    path: str
    line: int = 0

    @property
    def name(self) -> str:
        """The path without its folders."""
        return self.path.rpartition("/")[2]

    def among(self, listed: Sequence[str]) -> str | None:
        """Which of the listed paths it most likely is: that with the longest common end, the nearest to the root."""
        likely = [path for path in listed if self._may_be(path)]
        return min(
            likely, key=lambda path: (-len(self._common_end(path)), path.count("/"), path), default=None
        )

    def _may_be(self, listed: str) -> bool:
        """One name is enough only where one of the two paths has no folder to differ in."""
        common = len(self._common_end(listed))
        return common > 1 or common == min(len(_parts(self.path)), len(_parts(listed)))

    def _common_end(self, listed: str) -> list[tuple[str, str]]:
        pairs = zip(reversed(_parts(self.path)), reversed(_parts(listed)), strict=False)
        return list(takewhile(lambda pair: pair[0] == pair[1], pairs))


def named_files(text: str) -> list[NamedFile]:
    """The files that a text names, of a Python traceback the innermost first.

    One without its line counts only where the text says next to nothing else: ``How are tasks.py modules found?`` is
    a question about modules.
    """
    head = text[:CHARS_READ]
    frames = [NamedFile(path, int(line)) for path, line in reversed(_PYTHON_FRAME.findall(head))]
    files = [_plain(file) for file in frames] or list(_written_files(head))
    in_words = _LINE_IN_WORDS.search(head)
    if in_words and len(files) == 1 and not files[0].line:
        files = [NamedFile(files[0].path, int(in_words[1]))]
    said = set(terms(head))
    telling = [file for file in files if file.line or _is_nearly_all(file.path, said)]
    return list(dict.fromkeys(telling))[:_MOST_FILES]


def named_folder(text: str) -> str | None:
    """The folder that a text is about: ``what is in src/app/?``; none for ``how does pub/sub reconnect?``."""
    head = text[:CHARS_READ]
    said = set(terms(head))
    paths = (token[:_LONGEST_TOKEN].rstrip(".:") for token in _TOKEN.findall(head))
    folders = (path for path in paths if _FOLDER.fullmatch(path) and _is_nearly_all(path, said))
    return next((folder.strip("/") for folder in folders), None)


def folder_among(asked: str, listed: Iterable[str]) -> str | None:
    """The folder of listed paths that ends as asked, the nearest to the root; none when no path leads through one."""
    folders = {str(folder) for path in listed for folder in PurePosixPath(path).parents}
    likely = [folder for folder in folders if folder == asked or folder.endswith((f"/{asked}", f":{asked}"))]
    return min(likely, key=lambda folder: (folder.count("/"), folder), default=None)


def _written_files(text: str) -> Iterator[NamedFile]:
    for mark in _LINE_MARKS:
        text = text.replace(mark, ":")
    for token in _TOKEN.findall(text):
        path = token[:_LONGEST_TOKEN].rstrip(".:")
        behind = _LINE_BEHIND.search(path)
        file = _plain(NamedFile(path[: behind.start()] if behind else path, int(behind[1]) if behind else 0))
        if _is_file_name(file.name):
            yield file


def _plain(file: NamedFile) -> NamedFile:
    return NamedFile(file.path.replace("\\", "/").removeprefix("./"), file.line)


def _is_file_name(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return name in _NAMES_WITHOUT_ENDING or (bool(stem) and ending.lower() in _ENDINGS)


def _is_nearly_all(path: str, said: set[str]) -> bool:
    """Whether at most one word of meaning is said beside the path."""
    return len(said.difference(terms(path))) <= _MOST_OTHER_TERMS


def _parts(path: str) -> list[str]:
    return path.rpartition(":")[2].strip("/").split("/")
