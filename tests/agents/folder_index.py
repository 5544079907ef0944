"""The port ``CodeIndex`` over a folder of Python files in memory: the double for tests of agents, not of search."""

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from riverrun.agents.deps import CallSite, Excerpt, Location, SearchHit, SymbolHit
from riverrun.search.path_glob import glob_expression


@dataclass(frozen=True)
class _Definition:
    location: Location
    name: str
    kind: str
    signature: str
    docstring: str
    body: str


class FolderIndex:
    """Search counts shared words; everything else is exact. ``reads`` records the places that were read."""

    def __init__(
        self, files: Mapping[str, str], repo: str = "example/repo", commit: str | None = "c0ffee"
    ) -> None:
        self.files = dict(files)
        self.reads: list[tuple[str, int, int | None]] = []
        self._repo, self._commit = repo, commit
        self._definitions = [found for path in self.list_files("*.py") for found in self._parse(path)]

    @classmethod
    def of_folder(cls, folder: Path) -> "FolderIndex":
        paths = (path for path in folder.rglob("*.py") if path.is_file())
        return cls(
            {path.relative_to(folder).as_posix(): path.read_text() for path in paths}, repo=folder.name
        )

    def search(self, query: str, *, limit: int = 10) -> list[SearchHit]:
        wanted = set(_words(query))
        hits = [
            SearchHit(found.location, found.name, found.kind, found.signature, found.docstring, score)
            for found in self._definitions
            if (score := _score(wanted, found))
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
        return [
            SymbolHit(found.location, found.name, found.kind, found.signature, found.docstring)
            for found in self._definitions
            if found.name == name or found.name.endswith(f".{name}")
        ][:limit]

    def callers(self, name: str, *, limit: int = 10) -> list[CallSite]:
        pattern = re.compile(rf"(?<!def )\b{re.escape(name.rpartition('.')[2])}\(")
        return [
            CallSite(self._location(path, number, number), self._enclosing(path, number))
            for path in sorted(self.files)
            for number, line in enumerate(self.files[path].split("\n"), 1)
            if pattern.search(line)
        ][:limit]

    def read_file(self, path: str, start_line: int = 1, end_line: int | None = None) -> Excerpt | None:
        self.reads.append((path, start_line, end_line))
        if path not in self.files:
            return None
        lines = self.files[path].removesuffix("\n").split("\n")
        end = min(end_line or len(lines), len(lines))
        if start_line > end:
            return None
        text = "\n".join(lines[start_line - 1 : end])
        return Excerpt(self._location(path, start_line, end), text, len(lines))

    def namesakes(self, path: str) -> list[str]:
        return []

    def list_files(self, pattern: str = "**", *, limit: int = 200) -> list[str]:
        expression = re.compile(glob_expression(pattern))
        return [path for path in sorted(self.files) if expression.search(path)][:limit]

    def _location(self, path: str, start: int, end: int) -> Location:
        blob = hashlib.sha1(self.files[path].encode()).hexdigest()
        return Location(self._repo, self._commit, path, start, end, blob)

    def _enclosing(self, path: str, line: int) -> str:
        around = [
            found
            for found in self._definitions
            if found.location.path == path and found.location.start_line <= line <= found.location.end_line
        ]
        return around[-1].name if around else ""

    def _parse(self, path: str) -> Iterator[_Definition]:
        yield from self._walk(path, ast.parse(self.files[path]), "")

    def _walk(self, path: str, parent: ast.AST, prefix: str) -> Iterator[_Definition]:
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            is_class = isinstance(node, ast.ClassDef)
            lines = self.files[path].split("\n")[node.lineno - 1 : node.end_lineno]
            yield _Definition(
                location=self._location(path, node.lineno, node.end_lineno or node.lineno),
                name=prefix + node.name,
                kind="class" if is_class else "method" if prefix else "function",
                signature=lines[0].strip().rstrip(":"),
                docstring=ast.get_docstring(node) or "",
                body="\n".join(lines),
            )
            yield from self._walk(path, node, f"{prefix}{node.name}.")


def _words(text: str) -> list[str]:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", text)
    return [part.lower().removesuffix("s") for part in parts if len(part) > 2]


def _score(wanted: set[str], found: _Definition) -> float:
    weights = ((3.0, found.name), (2.0, found.docstring), (1.0, found.body))
    matched = sum(weight * len(wanted.intersection(_words(text))) for weight, text in weights)
    return matched / (1 + len(found.body) / 4000)
