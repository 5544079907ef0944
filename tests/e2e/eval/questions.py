"""The evaluation's questions, the places that answer them, and the packages they are asked of."""

import ast
import re
import shutil
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Lot(StrEnum):
    """Which set a question belongs to; each is a file, committed before it was asked for the first time."""

    FIRST = "questions"
    """Half of it was tuned on."""
    FRESH = "fresh_questions"
    """Written when the first had been tuned on; never tuned on itself."""
    WIDE = "wide_questions"
    """Of twelve other packages, by authors who did not know the search; half of it was tuned on."""

    @property
    def file(self) -> Path:
        return FOLDER / f"{self}.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """A definition that answers a question: a path below the package's folder and a qualified name."""

    file: str
    symbol: str

    @property
    def name(self) -> str:
        return self.symbol.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True)
class Question:
    """``held_out`` questions are never looked at while ranking is tuned; ``from_docstring`` hides that docstring."""

    package: str
    text: str
    places: tuple[Place, ...]
    from_docstring: bool
    held_out: bool
    lot: Lot


def load_questions() -> list[Question]:
    """All questions, lot by lot, in the files' order."""
    return [question for lot in Lot for question in read_questions(lot)]


def read_questions(lot: Lot) -> list[Question]:
    """The questions of one lot in its file's order."""
    return [
        Question(
            package=entry["package"],
            text=entry["text"],
            places=tuple(Place(**place) for place in entry["places"]),
            from_docstring=entry.get("from_docstring", False),
            held_out=entry.get("held_out", False),
            lot=lot,
        )
        for entry in tomllib.loads(lot.file.read_text("utf-8"))["questions"]
    ]


def asked_packages() -> dict[str, str]:
    """The release in which the places were looked up, as ``distribution==version``, by the package's folder."""
    files = [tomllib.loads(lot.file.read_text("utf-8")) for lot in Lot]
    return {folder: release for file in files for folder, release in file.get("packages", {}).items()}


def check_installed_versions() -> None:
    """RuntimeError when an installed package is not the release its questions were written for."""
    for release in asked_packages().values():
        distribution, _, asked = release.partition("==")
        if (found := version(distribution)) != asked:
            raise RuntimeError(f"{distribution} {found} is installed, the questions were written for {asked}")


def package_folder(package: str) -> Path:
    """Where the environment has this package's source."""
    return Path(sysconfig.get_path("purelib")) / package


def copy_package(package: str, target: Path, hidden: Iterable[Place]) -> Path:
    """Copy a package's Python files under ``target`` with the docstrings of the ``hidden`` places taken out.

    Lines keep their numbers: a hidden docstring leaves ``pass`` and blank lines behind.
    """
    root = target / package
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(package_folder(package), root, ignore=ignore)
    for place in hidden:
        hide_docstring(root / place.file, place.symbol)
    return root


def hide_docstring(file: Path, symbol: str) -> None:
    """Replace one definition's docstring by ``pass``; KeyError when there is no such definition."""
    source = file.read_text("utf-8")
    statement = definitions(source)[symbol].body[0]
    if not is_docstring(statement):
        raise ValueError(f"{symbol} in {file} has no docstring")
    lines = source.splitlines(keepends=True)
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    indent = lines[first][: statement.col_offset]
    lines[first:last] = [f"{indent}pass\n"] + ["\n"] * (last - first - 1)
    file.write_text("".join(lines), "utf-8")


def is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def definitions(source: str) -> dict[str, Definition]:
    """Every function and class by qualified name; of overloads the last, which has the body."""
    return dict(_walk(ast.parse(source), ""))


def _walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield prefix + child.name, child
            yield from _walk(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.If | ast.Try | ast.With):
            yield from _walk(child, prefix)


def line_range(definition: Definition) -> tuple[int, int]:
    """First and last line, decorators included."""
    first = min([definition.lineno, *(decorator.lineno for decorator in definition.decorator_list)])
    return first, definition.end_lineno or definition.lineno


def gives_away(text: str, name: str) -> bool:
    """Whether a question spells the answer's name, as an identifier or as words in a row."""
    spelled = " ".join(re.findall(r"[a-z0-9]+", text.lower()))
    bare = name.strip("_").lower()
    return bare in text.lower() or f" {' '.join(words_of(name))} " in f" {spelled} "


def holds_all_words(text: str, name: str) -> bool:
    """Whether a question holds every word of a name of several words, wherever they stand."""
    words = words_of(name)
    return len(words) > 1 and all(word in text.lower() for word in words)


def words_of(name: str) -> list[str]:
    """An identifier's words in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
