"""A conversation about several repositories on the page: all are named, each citation says of which, and sharing gives them all."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.indexing import index_folder
from tests.support.live_api import client_of
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack
from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

V1 = "/api/v1"
CODE = 'def sign_cookie(name):\n    """Signs the session cookie."""\n    return name\n'


@dataclass(frozen=True, slots=True)
class Several:
    """A conversation's address on the page, and its repositories' ids by name."""

    path: str
    ids: dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def several(operator: RiverrunClient, slow_stack: Stack, tmp_path: Path) -> AsyncIterator[Several]:
    """About alpha, beta and gamma; code is only in the first."""
    ids = {}
    for name in ("alpha", "beta", "gamma"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(CODE if name == "alpha" else "X = 1\n")
        ids[name] = index_folder(operator, folder)["id"]
    async with client_of(slow_stack.base_url, slow_stack.token) as client:
        begun = await client.post(f"{V1}/conversations", json={"project_ids": list(ids.values())})
        yield Several(f"/c/{begun.json()['conversation_id']}", ids)
    await remove(slow_stack, *ids.values())


async def remove(stack: Stack, *project_ids: str) -> None:
    """Those that are there still."""
    async with client_of(stack.base_url, stack.token) as client:
        for project_id in project_ids:
            await client.delete(f"{V1}/projects/{project_id}")


async def test_all_are_named_and_each_source_says_of_which_it_is(page: PageDriver, several: Several) -> None:
    await page.go(several.path)
    scope = page.page.get_by_text("about alpha, beta and 1 more", exact=True)
    await expect(scope).to_have_attribute("title", "alpha, beta and gamma")
    await expect(page.question).to_have_accessible_description(
        re.compile("^about alpha, beta and 1 more Enter")
    )
    row = page.page.locator("nav a[aria-current=page]")
    await expect(row).to_contain_text("alpha and 2 more · ")
    await expect(row).to_have_attribute("title", re.compile("\nalpha, beta and gamma$"))
    await page.ask("What signs the session cookie?")
    await page.until_complete()
    sources = page.answers.last.get_by_role("list", name="Sources").get_by_role("button")
    texts = await sources.all_inner_texts()
    assert texts
    assert all(text.startswith("alpha:alpha.py:") for text in texts)


async def test_each_that_is_left_is_shared_and_what_could_not_be_is_named(
    page: PageDriver, several: Several, slow_stack: Stack
) -> None:
    await remove(slow_stack, several.ids["gamma"])
    await page.go(several.path)
    await page.page.get_by_role("button", name="Share").click()
    sheet = page.page.get_by_role("dialog", name="Share this conversation")
    offer = sheet.get_by_label("Let them look into alpha and beta too; asking needs them")
    await offer.check()
    await remove(slow_stack, several.ids["beta"])
    email = f"{new_uuid().hex}@example.org"
    await sheet.get_by_label("E-mail").fill(email)
    await sheet.get_by_role("button", name="Share", exact=True).click()
    await expect(sheet.get_by_role("alert").filter(has_text=email)).to_contain_text(
        f"{email} is let in, but may not look into beta."
    )
    await expect(sheet.get_by_role("list", name="People")).to_contain_text(email)
    async with client_of(slow_stack.base_url, slow_stack.token) as client:
        shares = (await client.get(f"{V1}/projects/{several.ids['alpha']}/shares")).json()
    assert [person["email"] for person in shares["people"]] == [email]
    await page.page.keyboard.press("Escape")
    await remove(slow_stack, several.ids["alpha"])
    await page.page.reload()
    await expect(page.page.get_by_text("The repositories were removed")).to_be_visible()
    await page.page.get_by_role("button", name="Share").click()
    await expect(sheet.get_by_label("E-mail")).to_be_visible()
    await expect(sheet.get_by_label("Let them look into")).to_have_count(0)
    page.faults.clear()  # Chromium reports the refusal that the test asked for.


async def test_names_are_shortened_by_how_many_there_are(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { names, allNames } = await load("words.js");
      const lists = [[], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]];
      return lists.map((list) => [names(list), names(list, 1), allNames(list)]);
    """,
    )
    assert shown == [
        ["", "", ""],
        ["a", "a", "a"],
        ["a and b", "a and b", "a and b"],
        ["a, b and 1 more", "a and 2 more", "a, b and c"],
        ["a, b and 3 more", "a and 4 more", "a, b, c, d and e"],
    ]


async def test_no_character_in_a_name_or_a_title_turns_the_words_about_it_round(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { names, allNames } = await load("words.js");
      const { GuestRoom } = await load("guest_room.js");
      const { Workspace } = await load("workspace.js");
      const list = ["a\u202eb", "c\u200fd", "e"];
      const rooms = [
        new GuestRoom("id", { onSignIn: () => {} }),
        new Workspace({ display_name: "Ada", email: "ada@example.org" }, { onSignedOut: () => {} }),
      ];
      const titles = [];
      for (const { thread, node } of rooms) {
        thread.setTitle("gnp.\u202eexe");
        titles.push(node.querySelector(".title").textContent, document.title);
        thread.setTitle(null);
        titles.push(node.querySelector(".title").textContent, document.title);
      }
      return { names: names(list), allNames: allNames(list), titles };
    """,
    )
    assert shown == {
        "names": "a[U+202E]b, c[U+200F]d and 1 more",
        "allNames": "a[U+202E]b, c[U+200F]d and e",
        "titles": ["gnp.[U+202E]exe", "gnp.[U+202E]exe · Riverrun", "Riverrun", "Riverrun"] * 2,
    }


async def test_why_nothing_can_be_asked_is_said_by_what_is_left(page: PageDriver) -> None:
    said = await run(
        page,
        """
      const { ReaderBar, whyNotAsk } = await load("reader_bar.js");
      const bar = new ReaderBar({ onCopy: () => {} });
      const wordsOf = (info) => {
        bar.show({ ...info, repository: null, is_creator: false, access_type: "write", has_repositories: false });
        return [whyNotAsk(info), bar.node.querySelector("p").textContent.replace("This conversation is shared with you. ", "")];
      };
      return [[["b"], [1, 2]], [["b", "c"], [1, 2, 3]], [[], [1]], [[], [1, 2]]].map(
        ([repositories, ids]) => wordsOf({ repositories, project_ids: ids }));
    """,
    )
    assert said == [
        ["To ask here you need the repository", "To ask in it you need its repository too: ask the owner."],
        [
            "To ask here you need the repositories",
            "To ask in it you need its repositories too: ask the owner.",
        ],
        ["The repository was removed", "Its repository was removed, so nothing more can be asked."],
        ["The repositories were removed", "Its repositories were removed, so nothing more can be asked."],
    ]


async def test_the_writing_is_turned_round_by_a_link_only_within_it(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { showMarkdown } = await load("prose.js");
      const node = document.createElement("div");
      await showMarkdown(node, "See [gnp.\u202eexe](https://example.org/x) first.");
      return [node.querySelector("a > bdi")?.textContent, node.textContent.trim()];
    """,
    )
    assert shown == ["gnp.\u202eexe", "See gnp.\u202eexe first."]
