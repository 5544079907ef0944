"""docs/problems.md says of every problem what its class says."""

import ast
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = spec_from_file_location("write_problems", ROOT / "scripts" / "write_problems.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def problem_names() -> set[str]:
    """Found by reading the source, not by importing it: a problem in an unexpected place is found all the same."""
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Problem"}
    while more := {name for name, parents in bases.items() if parents & found} - found:
        found |= more
    return found - {"Problem"}


def test_the_page_is_what_the_classes_say(writer: ModuleType) -> None:
    assert writer.PAGE.read_text() == writer.page(), "run scripts/write_problems.py"


def test_every_problem_of_the_source_has_a_section(writer: ModuleType) -> None:
    classes = writer.problem_classes()
    assert {kind.__name__ for kind in classes} == problem_names()
    text = writer.PAGE.read_text()
    for kind in classes:
        assert f"`{kind.type_uri()}` · {kind.status}" in text


def test_no_two_problems_have_the_same_type_and_each_says_something_of_its_own(writer: ModuleType) -> None:
    classes = writer.problem_classes()
    assert len({kind.type_uri() for kind in classes}) == len(classes)
    for kind in classes:
        assert "__doc__" in vars(kind), f"{kind.__name__} has no docstring"
        assert len(kind.__doc__ or "") > 20
        assert "title" in vars(kind), f"{kind.__name__} has no title"
        assert kind.status >= 400
