"""``.gitignore`` files of nested directories, applied as git does."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from pathspec import GitIgnoreSpec

_BELOW = "ps_d"
"""pathspec's group for what lies below the thing that a pattern names."""


class Pattern(NamedTuple):
    """A line of an ignore file: what it speaks of, and whether it ignores that or, with ``!``, takes it back."""

    regex: re.Pattern[str]
    ignores: bool
    is_of_directories: bool

    def speaks_of(self, path: str, *, is_directory: bool) -> bool:
        """Whether it names just this entry: of what lies below, git asks only where the directory is not ignored."""
        if self.is_of_directories and not is_directory:
            return False
        found = self.regex.match(path)
        return found is not None and found.groupdict().get(_BELOW) is None


@dataclass(frozen=True)
class IgnoreRules:
    """The ignore files on the way to a directory, outermost first. Paths are relative to the root of the walk."""

    files: tuple[tuple[str, tuple[Pattern, ...]], ...] = ()

    def with_file(self, directory: str, text: str) -> "IgnoreRules":
        """These rules and one more file; ``directory`` is empty or ends in a slash. Broken patterns do nothing."""
        lines = text.removeprefix("\ufeff").split("\n")
        patterns = tuple(
            pattern for line in reversed(lines) for pattern in _patterns_of(line.removesuffix("\r"))
        )
        return IgnoreRules((*self.files, (directory, patterns))) if patterns else self

    def ignores(self, path: str) -> bool:
        """Whether a file, or with a slash at its end a directory, is ignored. The innermost file that speaks decides,
        and in it the last line.

        Asked only for what lies in directories that are not ignored themselves.
        """
        entry, is_directory = path.rstrip("/"), path.endswith("/")
        for directory, patterns in reversed(self.files):
            for pattern in patterns:
                if pattern.speaks_of(entry[len(directory) :], is_directory=is_directory):
                    return pattern.ignores
        return False


def _patterns_of(line: str) -> list[Pattern]:
    """One, or none for a comment, an empty line and what is no pattern.

    pathspec takes ``name/`` for all that lies below, so its slash is kept apart.
    """
    line = line if line.endswith("\\ ") else line.rstrip(" ")
    bare = line.rstrip("/")
    is_of_directories = bare != line and bare.strip("!") != ""
    try:
        spec = GitIgnoreSpec.from_lines([bare if is_of_directories else line])
    except ValueError:
        return []
    return [
        Pattern(pattern.regex, pattern.include, is_of_directories)
        for pattern in spec.patterns
        if pattern.regex is not None and pattern.include is not None
    ]
