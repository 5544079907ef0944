"""Twins: what the API awaits and what a worker calls are the same verbs, side by side in one file."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "riverrun"

SYNC_ONLY = {"RedisStreamManager": {"consume_stream"}}
"""Verbs without an async form: reading by waiting would hold a connection for each reader; the hub does without."""


@dataclass(frozen=True)
class Pair:
    """``X`` and ``AsyncX``."""

    file: Path
    sync: ast.ClassDef
    asynchronous: ast.ClassDef

    @property
    def name(self) -> str:
        return self.sync.name


def pairs() -> Iterator[Pair]:
    for file in sorted(SOURCE.rglob("*.py")):
        classes = {
            node.name: node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)
        }
        for name, node in classes.items():
            if f"Async{name}" in classes:
                yield Pair(file, node, classes[f"Async{name}"])


def classes_by_file() -> dict[str, Path]:
    return {
        node.name: file
        for file in SOURCE.rglob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


def public_methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        item.name: item
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_")
    }


def signature(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Parameters with their defaults and types, and what comes back."""
    returns = ast.unparse(method.returns) if method.returns else ""
    return f"({ast.unparse(method.args)}) -> {returns}"


def verbs_to_share(pair: Pair) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    alone = SYNC_ONLY.get(pair.name, set())
    return {name: method for name, method in public_methods(pair.sync).items() if name not in alone}


TWINS = list(pairs())


def test_there_are_twins_to_compare() -> None:
    assert {pair.name for pair in TWINS} >= {"RedisStreamManager", "SearchService", "ChatHistoryService"}


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: pair.name)
def test_whatever_the_sync_twin_can_do_the_async_one_can_do_in_the_same_words(pair: Pair) -> None:
    theirs = public_methods(pair.asynchronous)
    for name, method in verbs_to_share(pair).items():
        assert name in theirs, f"Async{pair.name} has no {name}"
        assert signature(method) == signature(theirs[name]), f"{pair.name}.{name}"


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: pair.name)
def test_twins_have_their_methods_in_the_same_order(pair: Pair) -> None:
    ours = list(verbs_to_share(pair))
    assert [name for name in public_methods(pair.asynchronous) if name in ours] == ours


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: pair.name)
def test_the_sync_twin_comes_first_and_awaits_nothing(pair: Pair) -> None:
    assert pair.sync.lineno < pair.asynchronous.lineno
    assert not any(isinstance(method, ast.AsyncFunctionDef) for method in public_methods(pair.sync).values())


@pytest.mark.parametrize("pair", TWINS, ids=lambda pair: pair.name)
def test_twins_have_no_base_class_in_common(pair: Pair) -> None:
    assert not pair.sync.bases
    assert not pair.asynchronous.bases


def test_no_pair_is_torn_apart_over_two_files() -> None:
    files = classes_by_file()
    torn = [name for name in files if f"Async{name}" in files and files[name] != files[f"Async{name}"]]
    assert torn == []


def test_what_may_stand_alone_does() -> None:
    pairs_by_name = {pair.name: pair for pair in TWINS}
    for name, alone in SYNC_ONLY.items():
        assert alone <= public_methods(pairs_by_name[name].sync).keys()
        assert not alone & public_methods(pairs_by_name[name].asynchronous).keys()
