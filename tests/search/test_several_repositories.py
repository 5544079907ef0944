"""A conversation about several repositories: the same path means another file in each."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session
from tests.agents.recorded_events import RecordedEvents
from tests.agents.tool_context import context
from tests.support.local_projects import add_project

from riverrun.agents.citations import CitationFilter
from riverrun.agents.deps import Excerpt, Location
from riverrun.agents.extractive import extractive_model
from riverrun.agents.runner import answer_question
from riverrun.agents.tools import find_callers, find_symbol, list_files, read_file, search_code
from riverrun.parsing.models import Project
from riverrun.search.code_index import PostgresCodeIndex

ALPHA = {
    "main.py": 'def start_alpha():\n    """Open the shop."""\n',
    "README.md": "# Alpha\n\nSells tea.\n",
    "alpha_only.py": "ALPHA = 1\n",
}
BETA = {
    "main.py": (
        'def launch_rocket():\n    """Ignite the rocket engines."""\n    return ignite()\n\n\n'
        "def countdown():\n    launch_rocket()\n"
    ),
    "README.md": "# Beta\n\nFlies to the moon.\n",
    "docs/README.md": "More.\n",
    "src/beta_only.py": "BETA = 2\n",
}
QUESTION = "How are the rocket engines ignited?"

MakeIndex = Callable[..., PostgresCodeIndex]


@pytest.fixture
def make_index(engine: Engine, tmp_path: Path) -> Iterator[MakeIndex]:
    """An index over repositories, each given as its name, maybe with ``@branch``, and its files."""
    with Session(engine) as session:

        def make(*repositories: tuple[str, Mapping[str, str]]) -> PostgresCodeIndex:
            ids = []
            for number, (called, files) in enumerate(repositories):
                name, _, branch = called.partition("@")
                ids.append(add_project(engine, tmp_path, name, files))
                if branch:
                    commit = branch if len(branch) == 40 else f"{number:040x}"
                    versioned = update(Project).where(Project.id == ids[-1])
                    session.execute(versioned.values(branch_name=branch, commit_id=commit))
            session.commit()
            return PostgresCodeIndex(session, ids)

        yield make


@pytest.fixture
def both(make_index: MakeIndex) -> PostgresCodeIndex:
    return make_index(("alpha", ALPHA), ("owner/beta", BETA))


async def answer(index: PostgresCodeIndex, question: str) -> RecordedEvents:
    events = RecordedEvents()
    await answer_question(question, [], index, extractive_model(), events.emit)
    return events


def cited(index: PostgresCodeIndex, text: str) -> tuple[str, list[Location]]:
    """What leaves of a text, and the places it cites."""
    citations = CitationFilter(index)
    output = [*citations.feed(text), *citations.flush()]
    kept = "".join(item for item in output if isinstance(item, str))
    return kept, [item for item in output if isinstance(item, Location)]


async def said(answering: Callable[..., object], index: PostgresCodeIndex, *arguments: object) -> str:
    result = await answering(context(index), *arguments)  # type: ignore[misc]
    return str(result.return_value)


def first_line(excerpt: Excerpt | None) -> str:
    return excerpt.text.split("\n")[0] if excerpt else ""


async def test_an_answer_quotes_and_cites_the_file_that_was_found(both: PostgresCodeIndex) -> None:
    events = await answer(both, QUESTION)
    assert events.text.startswith(
        "The best match is the function **`launch_rocket`** [owner/beta:main.py:1-3]."
    )
    assert "```python\ndef launch_rocket():" in events.text
    assert "start_alpha" not in events.text
    best = events.of("citation")[0]
    expected = both.read_file("owner/beta:main.py", 1, 3)
    assert expected is not None
    assert best == {
        "repo": "owner/beta",
        "commit": None,
        "path": "main.py",
        "start_line": 1,
        "end_line": 3,
        "blob": expected.location.blob,
    }


async def test_callers_of_both_repositories_are_told_though_their_paths_are_the_same(
    make_index: MakeIndex,
) -> None:
    twin = {"main.py": "def countdown():\n    launch_rocket()\n"}
    text = (
        await answer(make_index(("owner/beta", BETA), ("gamma", twin)), "Who calls `launch_rocket`?")
    ).text
    assert "`countdown` [owner/beta:main.py:7]" in text
    assert "`countdown` [gamma:main.py:2]" in text


async def test_the_part_of_a_long_definition_is_cited_in_its_own_repository(make_index: MakeIndex) -> None:
    body = "".join(f"    step_{number}(fuel)\n" for number in range(40))
    long = {"main.py": f"def launch_rocket(fuel):\n{body}    ignite_engines(fuel)\n"}
    events = await answer(make_index(("alpha", ALPHA), ("beta", long)), QUESTION)
    assert "The part that fits best [beta:main.py:27-42]:" in events.text
    assert {place["repo"] for place in events.of("citation")} == {"beta"}


async def test_what_the_repositories_are_is_told_out_of_a_named_readme(both: PostgresCodeIndex) -> None:
    events = await answer(both, "What does this project do?")
    assert "[alpha:README.md:3]:\n\n> Sells tea." in events.text
    assert [place["repo"] for place in events.of("citation")] == ["alpha"]


async def test_the_tools_print_the_repository_before_each_path(both: PostgresCodeIndex) -> None:
    assert "[owner/beta:main.py:1-3] function launch_rocket" in await said(search_code, both, QUESTION)
    assert "[alpha:main.py:1-2] function start_alpha" in await said(find_symbol, both, "start_alpha")
    assert await said(find_callers, both, "launch_rocket") == "[owner/beta:main.py:7] in countdown"
    assert await said(read_file, both, "owner/beta:main.py", 1, 1) == (
        "[owner/beta:main.py:1] of 7 lines\n1: def launch_rocket():"
    )
    assert await said(list_files, both, "*.md") == (
        "alpha:README.md\nowner/beta:README.md\nowner/beta:docs/README.md"
    )


async def test_a_path_of_one_repository_alone_needs_no_name_and_one_of_several_does(
    both: PostgresCodeIndex,
) -> None:
    assert "[owner/beta:src/beta_only.py:1]" in await said(read_file, both, "./src/beta_only.py")
    assert first_line(both.read_file("alpha:main.py")) == "def start_alpha():"
    assert first_line(both.read_file("owner/beta:main.py")) == "def launch_rocket():"
    assert both.read_file("main.py") is None
    assert both.read_file("alpha:src/beta_only.py") is None
    assert both.read_file("beta:main.py") is None
    assert await said(read_file, both, "main.py") == (
        "'main.py' means several files. Read 'alpha:main.py' or 'owner/beta:main.py'."
    )
    assert "no 'alpha:no.py'" in await said(read_file, both, "alpha:no.py")
    assert "with a line 99" in await said(read_file, both, "alpha_only.py", 99)


def test_files_are_listed_of_the_repository_that_a_glob_begins_with(both: PostgresCodeIndex) -> None:
    assert both.list_files("owner/beta:*.py") == ["owner/beta:main.py", "owner/beta:src/beta_only.py"]
    assert both.list_files("owner/beta:src/") == ["owner/beta:src/beta_only.py"]
    assert both.list_files("alpha:") == ["alpha:README.md", "alpha:alpha_only.py", "alpha:main.py"]
    assert both.list_files("main.py") == ["alpha:main.py", "owner/beta:main.py"]
    assert both.list_files("main.py", limit=1) == ["alpha:main.py"]
    assert both.list_files("gamma:*") == []


def test_a_citation_is_of_the_repository_it_names(both: PostgresCodeIndex) -> None:
    text, places = cited(both, "a [owner/beta:main.py:5-7, 1] b [alpha:main.py#L1-L2] c [alpha:main.py:5-7]")
    assert text == "a [owner/beta:main.py:5-7] [owner/beta:main.py:1] b [alpha:main.py:1-2] c"
    assert [place.repo for place in places] == ["owner/beta", "owner/beta", "alpha"]


def test_a_citation_without_a_repository_stays_where_it_means_one_file(both: PostgresCodeIndex) -> None:
    text, places = cited(both, "a [src/beta_only.py:1] b [main.py:1] c [main.py:7] d")
    assert text == "a [owner/beta:src/beta_only.py:1] b c d"
    assert [(place.repo, place.path) for place in places] == [("owner/beta", "src/beta_only.py")]


async def test_of_repositories_of_one_name_only_what_is_the_same_in_both_is_read_and_cited(
    make_index: MakeIndex,
) -> None:
    common = {"LICENSE.md": "Do as you like.\n"}
    index = make_index(("o/n", {**ALPHA, **common}), ("o/n", {**BETA, **common}), ("alpha", ALPHA))
    assert first_line(index.read_file("o/n:LICENSE.md")) == "Do as you like."
    assert first_line(index.read_file("o/n:src/beta_only.py")) == "BETA = 2"
    assert index.read_file("o/n:main.py") is None
    assert cited(index, "a [o/n:main.py:1] b [LICENSE.md:1]")[0] == "a b [o/n:LICENSE.md:1]"
    cannot_tell = "Repositories of this conversation have the same name: their versions cannot be told apart."
    assert await said(read_file, index, "o/n:main.py") == f"'o/n:main.py' means several files. {cannot_tell}"
    assert await said(read_file, index, "main.py") == (
        f"'main.py' means several files. Read 'alpha:main.py'. {cannot_tell}"
    )
    assert index.list_files("o/n:*.md") == ["o/n:LICENSE.md", "o/n:README.md", "o/n:docs/README.md"]
    events = await answer(index, QUESTION)
    assert not [place for place in events.of("citation") if place["path"] == "main.py"]
    assert "start_alpha" not in events.text.split("Also related:")[0]


async def test_two_branches_of_a_repository_are_told_apart(make_index: MakeIndex) -> None:
    index = make_index(("o/n@main", ALPHA), ("o/n@next", BETA), ("alpha", ALPHA))
    assert first_line(index.read_file("o/n@main:main.py")) == "def start_alpha():"
    assert first_line(index.read_file("o/n@next:main.py")) == "def launch_rocket():"
    assert index.read_file("o/n:main.py") is None
    assert await said(read_file, index, "o/n:main.py") == (
        "'o/n:main.py' means several files. Read 'o/n@main:main.py' or 'o/n@next:main.py'."
    )
    assert first_line(index.read_file("o/n:src/beta_only.py")) == "BETA = 2"
    assert index.list_files("o/n@next:*.md") == ["o/n@next:README.md", "o/n@next:docs/README.md"]
    assert index.list_files("o/n:main.*") == ["o/n@main:main.py", "o/n@next:main.py"]
    assert "alpha:main.py" in index.list_files("*.py")
    assert await said(find_callers, index, "launch_rocket") == "[o/n@next:main.py:7] in countdown"
    text, places = cited(index, "a [o/n@next:main.py:1-3] b [o/n:main.py:1] c [o/n:alpha_only.py:1]")
    assert text == "a [o/n@next:main.py:1-3] b c [o/n@main:alpha_only.py:1]"
    assert [(place.repo, place.version) for place in places] == [("o/n", "next"), ("o/n", "main")]


async def test_a_branch_that_is_indexed_anew_meanwhile_is_told_as_itself(
    make_index: MakeIndex, engine: Engine
) -> None:
    index = make_index(("o/n", ALPHA), ("o/n@next", BETA))
    assert index.list_files("o/n@next:main.py") == ["o/n@next:main.py"]
    with engine.begin() as connection:
        moved = update(Project).where(Project.branch_name == "next").values(commit_id="f" * 40)
        connection.execute(moved)
    assert [hit.location.version for hit in index.find_symbol("launch_rocket")] == ["next"]
    assert cited(index, "[o/n@next:main.py:1-3]")[0] == "[o/n@next:main.py:1-3]"


async def test_callers_of_one_branch_are_no_part_of_the_definition_in_the_other(
    make_index: MakeIndex,
) -> None:
    moved = {
        "main.py": "def countdown():\n    launch_rocket()\n"
        + "\n" * 4
        + "def launch_rocket():\n    return 1\n"
    }
    text = (await answer(make_index(("o/n", BETA), ("o/n@next", moved)), "Who calls `launch_rocket`?")).text
    assert "[o/n:main.py:7]" in text
    assert "[o/n@next:main.py:2]" in text


async def test_an_answer_cites_the_branch_that_it_found(make_index: MakeIndex) -> None:
    index = make_index(("o/n", ALPHA), ("o/n@feature/moon", BETA))
    events = await answer(index, QUESTION)
    assert "**`launch_rocket`** [o/n@feature/moon:main.py:1-3]" in events.text
    best = events.of("citation")[0]
    assert (best["repo"], best["version"], best["path"]) == ("o/n", "feature/moon", "main.py")
    assert not any("version" in place for place in (await answer(index, "Who sells tea?")).of("citation"))


async def test_the_name_alone_means_the_default_branch_and_else_what_only_another_one_has(
    make_index: MakeIndex,
) -> None:
    index = make_index(("o/n", ALPHA), ("o/n@next", BETA))
    assert first_line(index.read_file("o/n:main.py")) == "def start_alpha():"
    assert "[o/n@next:src/beta_only.py:1]" in await said(read_file, index, "o/n:src/beta_only.py")
    assert index.list_files("o/n:*.py") == ["o/n:alpha_only.py", "o/n:main.py"]


async def test_what_two_branches_have_in_common_is_found_once(make_index: MakeIndex) -> None:
    changed = {**BETA, "main.py": BETA["main.py"] + "\n\ndef land():\n    return 0\n"}
    index = make_index(
        ("o/n@main", {**BETA, "x.py": "def hover():\n    pass\n"}),
        ("o/n@next", {**changed, "x.py": "def hover():\n    pass\n"}),
    )
    assert [hit.location.version for hit in index.find_symbol("hover")] == ["main"]
    assert [hit.location.version for hit in index.find_symbol("launch_rocket")] == ["main", "next"]
    assert len(index.search("hover", limit=1)) == 1
    places = [hit.location for hit in index.search("hover countdown land rocket", limit=20)]
    assert [place.version for place in places if place.path == "x.py"] in (["main"], ["next"])


async def test_a_commit_is_told_by_its_first_digits(make_index: MakeIndex) -> None:
    index = make_index(("o/n", ALPHA), (f"o/n@{'0123456789abcdef' * 2}01234567", BETA))
    assert first_line(index.read_file("o/n@0123456789ab:main.py")) == "def launch_rocket():"
    assert cited(index, "[o/n@0123456789ab:main.py:7]")[0] == "[o/n@0123456789ab:main.py:7]"


def test_a_file_whose_name_looks_like_another_repositorys_is_read_by_its_whole_name(
    make_index: MakeIndex,
) -> None:
    index = make_index(("alpha", {"beta:main.py": "ODD = 1\n"}), ("beta", BETA))
    assert first_line(index.read_file("beta:main.py")) == "def launch_rocket():"
    assert first_line(index.read_file("alpha:beta:main.py")) == "ODD = 1"


async def test_a_conversation_about_one_repository_names_none(make_index: MakeIndex) -> None:
    index = make_index(("owner/beta", BETA))
    assert "1. [main.py:1-3] function launch_rocket" in await said(search_code, index, QUESTION)
    assert index.list_files("*.py") == ["main.py", "src/beta_only.py"]
    assert index.read_file("owner/beta:main.py") is None
    assert index.namesakes("main.py") == []
    assert cited(index, "a [main.py:1] b [owner/beta:main.py:1] c")[0] == "a [main.py:1] b c"
    assert (await answer(index, QUESTION)).text.startswith(
        "The best match is the function **`launch_rocket`** [main.py:1-3]."
    )


def test_any_text_is_a_legal_path_and_pattern(both: PostgresCodeIndex) -> None:
    for text in ("", ":", "alpha:", "alpha::", "alpha:\x00", "\ud800:main.py", ":" * 9_000, "alpha:[(*"):
        both.read_file(text)
        both.namesakes(text)
        both.list_files(text)
