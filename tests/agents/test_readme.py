import pytest
from tests.agents.folder_index import FolderIndex
from tests.agents.test_extractive import INDEX, answer

from riverrun.agents.readme import Paragraph, introduction, likeliest_readme

README = """\
# Title
[![badge](https://example.org/b.svg)](https://example.org)

<p align="center">centred</p>

Does one thing
well with __init__.

```sh
make demo

make test
```

- a list

Second paragraph.

> a quote

Third.

Fourth.
"""


def test_a_readmes_first_prose_is_its_introduction() -> None:
    assert [paragraph.text for paragraph in introduction(README)] == [
        "Does one thing well with `__init__`.",
        "Second paragraph.",
        "Third.",
    ]


def test_a_readme_of_headings_has_no_introduction() -> None:
    assert introduction("# A\n\n## B\n") == []


def test_nothing_behind_the_second_heading_introduces_once_something_was_said() -> None:
    readme = "Title\n=====\nx\n\n# A\nSaid.\n\nMore.\n## B\nOf another matter.\n"
    assert introduction(readme) == [Paragraph(6, 6, "Said."), Paragraph(8, 8, "More.")]
    assert introduction("# A\n\n## B\n\nSaid late.\n") == [Paragraph(5, 5, "Said late.")]


@pytest.mark.parametrize(
    "block",
    [
        "It does:",
        "    make demo",
        "\tmake demo",
        "~~~\nfenced\n\ncode\n~~~",
        "=====\nTitle\n=====",
        "Title\n---",
    ],
)
def test_code_titles_and_what_only_leads_to_a_list_are_no_prose(block: str) -> None:
    assert [paragraph.text for paragraph in introduction(f"# A\n\n{block}\n\nSaid.\n")] == ["Said."]


def test_an_introduction_ends_with_a_sentence() -> None:
    text = introduction("# A\n\n" + "This is a sentence of some words. " * 20)[0].text
    assert len(text) <= 300
    assert text.endswith("some words.")


def test_the_readme_nearest_to_the_root_is_told_before_its_translations() -> None:
    assert likeliest_readme(["docs/README.md", "README.ja.md", "README.md"]) == "README.md"
    assert likeliest_readme(["lib/readme.txt", "readme.py", "readme/x.py"]) == "lib/readme.txt"
    assert likeliest_readme(["o/n:docs/README", "o/n:Readme.rst"]) == "o/n:Readme.rst"
    assert likeliest_readme(["readme_test.md"]) is None


async def test_the_quoted_lines_of_a_readme_are_cited() -> None:
    files = {**INDEX.files, "docs/readme.md": "# Zebra\n\nPaints\nzebras.\n"}
    events = await answer("What does this gem do?", index=FolderIndex(files))
    assert events.text.startswith(
        "The README nearest to the root, `docs/readme.md`, says [docs/readme.md:3-4]:\n\n> Paints zebras.\n"
    )


async def test_a_readme_without_prose_is_said_to_be_one() -> None:
    events = await answer("What does this gem do?", index=FolderIndex({"README.md": "# A\n"}))
    assert "says of itself in `README.md` nothing in prose at its beginning [README.md:1]." in events.text


async def test_the_repositorys_own_name_asks_for_its_introduction() -> None:
    files = {"README.md": "# Zebra\n\nPaints zebras.\n", "zebra.py": "def zebra():\n    pass\n"}
    index = FolderIndex(files, repo="owner/zebra")
    assert "> Paints zebras." in (await answer("What is Zebra?", index=index)).text
    assert "> Paints zebras." not in (await answer("Who calls zebra?", index=index)).text
