"""``.gitignore`` files of nested directories, applied as git does."""

from dataclasses import dataclass

from pathspec import GitIgnoreSpec


@dataclass(frozen=True)
class IgnoreRules:
    """The ignore files on the way to a directory, outermost first. Paths are relative to the root of the walk."""

    files: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def with_file(self, directory: str, text: str) -> "IgnoreRules":
        """These rules and one more file; ``directory`` is empty or ends in a slash. Broken patterns do nothing."""
        spec = GitIgnoreSpec.from_lines(_valid_lines(text))
        return IgnoreRules((*self.files, (directory, spec))) if len(spec) else self

    def ignores(self, path: str) -> bool:
        """Whether a file, or with a slash at its end a directory, is ignored. The innermost file that speaks decides.

        Asked only for what lies in directories that are not ignored themselves.
        """
        for directory, spec in reversed(self.files):
            verdict = spec.check_file(path[len(directory) :]).include
            if verdict is not None:
                return verdict
        return False


def _valid_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        lines.append(line)
    return lines
