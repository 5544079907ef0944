"""The evaluation's questions, the places that answer them, and the packages they are asked of."""

import ast
import re
import shutil
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

QUESTIONS_FILE = Path(__file__).with_name("questions.toml")
FRESH_QUESTIONS_FILE = Path(__file__).with_name("fresh_questions.toml")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


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
    """``held_out`` questions are never looked at while ranking is tuned; ``from_docstring`` hides that docstring.

    ``is_fresh`` marks the second set: written when the first had been tuned on, and never tuned on itself.
    """

    package: str
    text: str
    places: tuple[Place, ...]
    from_docstring: bool
    held_out: bool
    is_fresh: bool


def load_questions() -> list[Question]:
    """All questions, the first set and then the fresh one, in the files' order."""
    return [*read_questions(QUESTIONS_FILE), *read_questions(FRESH_QUESTIONS_FILE, is_fresh=True)]


def read_questions(file: Path, *, is_fresh: bool = False) -> list[Question]:
    """The questions of one file in its order."""
    return [
        Question(
            package=entry["package"],
            text=entry["text"],
            places=tuple(Place(**place) for place in entry["places"]),
            from_docstring=entry.get("from_docstring", False),
            held_out=entry.get("held_out", False),
            is_fresh=is_fresh,
        )
        for entry in tomllib.loads(file.read_text("utf-8"))["questions"]
    ]


def asked_versions() -> dict[str, str]:
    """The releases in which the places were looked up, a package each."""
    versions: dict[str, str] = tomllib.loads(QUESTIONS_FILE.read_text("utf-8"))["packages"]
    return versions


def check_installed_versions() -> None:
    """RuntimeError when an installed package is not the release its questions were written for."""
    for package, asked in asked_versions().items():
        if (found := version(package)) != asked:
            raise RuntimeError(f"{package} {found} is installed, the questions were written for {asked}")


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
    """Whether a question spells the answer's name, or holds every word of a name of several words."""
    lowered, bare = text.lower(), name.strip("_").lower()
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    return bare in lowered or (len(words) > 1 and all(word in lowered for word in words))
