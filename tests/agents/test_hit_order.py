import pytest
from tests.agents.folder_index import FolderIndex
from tests.agents.test_extractive import INDEX, answer

from riverrun.agents.deps import Location, SearchHit, SymbolHit
from riverrun.agents.file_roles import is_built, is_in_tests
from riverrun.agents.hit_order import is_named, most_alike, most_likely_first


def hit(path: str, name: str = "Order", kind: str = "class", docstring: str = "") -> SymbolHit:
    return SymbolHit(Location("o/n", None, path, 1, 9, "b"), name, kind, "", docstring)


def test_code_comes_before_constructors_constants_tests_and_built_files() -> None:
    hits = [
        hit("a.py", kind="constant"),
        hit("a.java", "Order.Order", "constructor"),
        hit("tests/a.py"),
        hit("dist/a.js"),
        hit("b.py"),
        hit("c.py", docstring="An order."),
    ]
    ordered = [found.location.path for found in most_likely_first(hits, [])]
    assert ordered == ["c.py", "b.py", "dist/a.js", "tests/a.py", "a.py", "a.java"]


def test_what_the_search_ranks_higher_comes_first() -> None:
    ranked = [SearchHit(hit("b.py").location, "Order", "class", "", "", 1.0)]
    ordered = most_likely_first([hit("a.py", docstring="An order."), hit("b.py")], ranked)
    assert [found.location.path for found in ordered] == ["b.py", "a.py"]


@pytest.mark.parametrize("path", ["lib/a.d.ts", "dist/a.js", "x/esm/a.js", "a.min.js"])
def test_built_files_are_told_by_their_paths(path: str) -> None:
    assert is_built(path)
    assert not is_in_tests(path)
    assert not is_built("src/a.ts")


@pytest.mark.parametrize("name", ["citationfilter", "CitationFiler", "riverrun.CitationFilter"])
def test_a_name_is_alike_but_for_case_owner_or_a_slip(name: str) -> None:
    wanted = hit("a.py", "CitationFilter")
    assert not is_named(wanted, [name])
    assert most_alike([hit("b.py", "Citation"), wanted], ["x", name]) == (name, wanted)
    assert most_alike([wanted], ["Filter", "C" * 100_000]) is None


async def test_the_nearest_name_is_told_as_one_that_nothing_bears() -> None:
    class Forgiving(FolderIndex):
        def find_symbol(self, name: str, *, limit: int = 10) -> list[SymbolHit]:
            return super().find_symbol(name.replace("redirct", "redirect"), limit=limit)

    text = (await answer("What does follow_redirct do?", index=Forgiving(INDEX.files))).text
    assert text.startswith(
        "Nothing is called exactly `follow_redirct`. The name most like it is of the method **`Client.follow_redirect`**"
    )
