"""Citations of a conversation about several repositories, in the page's own modules."""

import pytest
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LINKING = """
  const { linkCitations, showMarkdown } = await load("prose.js");
  const place = (repo, path) => ({ repo, path, start_line: 1, end_line: 3 });
  const node = document.createElement("div");
  const opened = [];
  const link = async (markdown, places) => {
    await showMarkdown(node, markdown);
    linkCitations(node, places, (one) => opened.push([one.repo, one.path]));
    const chips = [...node.querySelectorAll("button.citation")];
    for (const chip of chips) chip.click();
    return { opened, chips: chips.map((chip) => chip.textContent), titles: chips.map((chip) => chip.title) };
  };
"""


async def test_a_marker_that_names_its_repository_opens_the_file_of_that_one(page: PageDriver) -> None:
    shown = await run(
        page,
        LINKING
        + """
      return await link("One [o/beta:src/main.py:1-3], two [alpha:src/main.py:1-3].",
        [place("o/beta", "src/main.py"), place("alpha", "src/main.py")]);
    """,
    )
    assert shown == {
        "opened": [["o/beta", "src/main.py"], ["alpha", "src/main.py"]],
        "chips": ["o/beta:main.py:1-3", "alpha:main.py:1-3"],
        "titles": ["o/beta:src/main.py:1-3", "alpha:src/main.py:1-3"],
    }


async def test_a_marker_of_a_branch_opens_the_file_of_that_branch(page: PageDriver) -> None:
    shown = await run(
        page,
        LINKING
        + """
      const { uniquePlaces } = await load("fold.js");
      const places = uniquePlaces([place("o/n", "main.py"), { ...place("o/n", "main.py"), version: "next" }]);
      const linked = await link("One [o/n@next:main.py:1-3], two [o/n:main.py:1-3].", places);
      return { ...linked, known: places.length };
    """,
    )
    assert shown == {
        "opened": [["o/n", "main.py"], ["o/n", "main.py"]],
        "chips": ["o/n@next:main.py:1-3", "o/n:main.py:1-3"],
        "titles": ["o/n@next:main.py:1-3", "o/n:main.py:1-3"],
        "known": 2,
    }


async def test_a_repository_is_called_by_its_branch_or_commit_too(page: PageDriver) -> None:
    called = await run(
        page,
        """
      const { projectName } = await load("words.js");
      return ["", "next", "0123456789abcdef0123456789abcdef01234567"].map((branch) => projectName({ repo_name: "o/n", branch_name: branch }));
    """,
    )
    assert called == ["o/n", "o/n@next", "o/n@0123456789ab"]


async def test_a_marker_of_the_only_repository_is_shown_as_before(page: PageDriver) -> None:
    shown = await run(
        page, LINKING + 'return await link("One [src/main.py:1-3].", [place("alpha", "src/main.py")]);'
    )
    assert shown == {
        "opened": [["alpha", "src/main.py"]],
        "chips": ["main.py:1-3"],
        "titles": ["src/main.py:1-3"],
    }


async def test_a_citation_means_the_project_of_its_name_and_commit_and_no_other(page: PageDriver) -> None:
    found = await run(
        page,
        """
      const { Projects } = await load("projects.js");
      const projects = new Projects(null);
      projects.list = [
        { id: 1, repo_name: "alpha", commit_id: null },
        { id: 2, repo_name: "beta", commit_id: "old" },
        { id: 3, repo_name: "beta", commit_id: "new", branch_name: "next" },
      ];
      const named = (repo, commit, ids, version) => projects.named({ repo, commit, version }, ids)?.id ?? null;
      return [
        named("beta", "new", [1, 2, 3]), named("beta", "old", [1, 2, 3]), named("beta", "gone", [1, 2, 3]),
        named("alpha", "c", [1, 2]), named("removed", null, [1, 2, 9]), named("renamed", "c", [1]), named("alpha", null, [9]),
        named("beta", "gone", [1, 2, 3], "next"), named("beta", "old", [1, 2, 3], "next"),
      ];
    """,
    )
    assert found == [3, 2, 2, 1, None, 1, None, 3, 2]
