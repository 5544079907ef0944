import pytest
from tests.agents.folder_index import FolderIndex
from tests.agents.test_extractive import INDEX, answer

from riverrun.agents.deps import Excerpt, Location
from riverrun.agents.guides import asks_how_to, guides_among, guiding_lines

MAKEFILE = ".PHONY: test\n\ntest: build ## run the tests\n\tpytest\n\nbuild:\n\tpython -m build\n"
README = """\
# Zebra

| run | tests |

You may run the tests, too.

## Running the tests

```sh
# all of them
make test
```

## Licence
"""


def excerpt(path: str, text: str) -> Excerpt:
    lines = text.removesuffix("\n").split("\n")
    return Excerpt(Location("o/n", None, path, 1, len(lines), "b"), "\n".join(lines), len(lines))


@pytest.mark.parametrize(
    "question",
    [
        "How do I run the tests?",
        "how to install",
        "How can we set up a worker?",
        "How do I quickly deploy it?",
    ],
)
def test_who_wants_to_do_something_asks_how_to(question: str) -> None:
    assert asks_how_to(question)


@pytest.mark.parametrize(
    "question", ["How are tests run?", "How do requests start?", "how does it build a tree?", ""]
)
def test_who_wants_to_know_how_something_works_does_not(question: str) -> None:
    assert not asks_how_to(question)


def test_the_guides_nearest_to_the_root_are_read_one_of_each_kind() -> None:
    paths = ["docs/INSTALL.md", "Makefile", "README.ja.md", "README.md", "readme_test.py", "CONTRIBUTING.md"]
    assert guides_among(paths) == ["README.md", "CONTRIBUTING.md", "Makefile"]
    assert guides_among(["o/n:docs/README.md", "x.py"]) == ["o/n:docs/README.md"]
    assert guides_among([]) == []


def test_a_heading_is_told_up_to_the_next_before_any_other_line() -> None:
    lines = guiding_lines([excerpt("README.md", README)], "How do I run the tests?")
    assert lines is not None
    assert (lines.place.start_line, lines.place.end_line) == (7, 12)
    assert lines.lines[-1] == "```"


def test_a_target_is_told_with_its_recipe() -> None:
    lines = guiding_lines([excerpt("Makefile", MAKEFILE)], "How do I run the tests?")
    assert lines is not None
    assert lines.lines == ("test: build ## run the tests", "\tpytest")
    build = guiding_lines(
        [excerpt("Makefile", f".PHONY: build\n{MAKEFILE}\n# Later.\n")], "How do I build it?"
    )
    assert build is not None
    assert build.lines == ("build:", "\tpython -m build")


def test_another_line_is_told_where_nothing_begins_but_never_a_row_of_a_table() -> None:
    lines = guiding_lines([excerpt("README.md", README.split("##")[0])], "How do I run the tests?")
    assert lines is not None
    assert lines.lines == ("You may run the tests, too.",)
    assert guiding_lines([excerpt("README.md", README)], "How do I deploy zebras?") is None
    assert guiding_lines([excerpt("README.md", README)], "How?") is None


async def test_how_to_is_answered_out_of_a_guide() -> None:
    events = await answer("How do I run the tests?", index=FolderIndex({**INDEX.files, "README.md": README}))
    assert events.text.startswith(
        "`README.md` says [README.md:7-12]:\n\n````markdown\n## Running the tests\n"
    )
    assert len(events.of("citation")) >= 1


async def test_what_no_guide_says_is_searched_for() -> None:
    files = {**INDEX.files, "README.md": README}
    text = (await answer("How do I update a redirect?", index=FolderIndex(files))).text
    assert "**`Client.follow_redirect`**" in text.split("\n")[0]
