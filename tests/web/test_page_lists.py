"""The lists of the sidebar: all of them can be reached, whatever their length, and whatever failed at first."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Route, expect
from tests.support.page_driver import PageDriver

from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MANY = 205
LONG_AGO = "2020-01-01T00:00:00Z"


def make_conversation(number: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "title": f"Conversation {number}",
        "repositories": ["somewhere"],
        "updated_at": LONG_AGO,
    }


def make_unready(name: str) -> dict[str, Any]:
    project = {"id": str(new_uuid()), "repo_name": name, "source": f"/nowhere/{name}", "branch_name": ""}
    state = {"status": "error", "error": "The disk was full.", "run_id": None, "is_owner": True}
    return {**project, **state, "files": 0, "indexed_at": None}


async def test_every_conversation_can_be_reached_however_many_there_are(page: PageDriver) -> None:
    async def give(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(query["start"][0]), int(query["limit"][0])
        assert limit <= 100
        all_of_them = [] if query["shared"] == ["true"] else [make_conversation(n) for n in range(MANY)]
        await route.fulfill(json=all_of_them[start : start + limit])

    await page.page.route("**/api/v1/conversations?*", give)
    await page.go()
    links = page.page.get_by_role("region", name="Conversations").get_by_role("link")
    more = page.page.get_by_role("button", name="Show more")
    for shown in range(30, MANY, 30):
        await expect(links).to_have_count(shown)
        await more.click()
    await expect(links).to_have_count(MANY)
    await expect(links.last).to_contain_text(f"Conversation {MANY - 1}")
    await expect(more).to_be_hidden()


async def test_repositories_that_could_not_be_read_at_first_are_read_again(
    page: PageDriver, indexed: str
) -> None:
    await page.lose_at_first("**/api/v1/projects/list")
    await page.go()
    await expect(page.page.get_by_text("Loading", exact=True)).to_be_visible()
    await expect(page.repository(indexed)).to_be_visible()
    await expect(page.page.get_by_text("Loading", exact=True)).to_be_hidden()


async def test_conversations_that_could_not_be_read_at_first_are_read_again(page: PageDriver) -> None:
    failures_left = {"true": 1, "false": 2}

    async def fail_at_first(route: Route) -> None:
        (shared,) = parse_qs(urlsplit(route.request.url).query)["shared"]
        failures_left[shared] -= 1
        title = "Shared" if shared == "true" else "My own"
        conversation = {**make_conversation(1), "title": title}
        await (route.abort() if failures_left[shared] >= 0 else route.fulfill(json=[conversation]))

    await page.page.route("**/api/v1/conversations?*", fail_at_first)
    await page.go()
    for name, title in (("Shared with you", "Shared"), ("Conversations", "My own")):
        region = page.page.get_by_role("region", name=name, exact=True)
        await expect(region.get_by_role("link", name=title)).to_be_visible(timeout=20_000)


async def test_a_title_that_turns_the_writing_round_leaves_the_words_about_it_alone(page: PageDriver) -> None:
    title = "gnp.\u202eexe"

    async def give(route: Route) -> None:
        (shared,) = parse_qs(urlsplit(route.request.url).query)["shared"]
        await route.fulfill(json=[] if shared == "true" else [{**make_conversation(1), "title": title}])

    await page.page.route("**/api/v1/conversations?*", give)
    await page.go()
    row = page.page.get_by_role("region", name="Conversations").get_by_role("listitem")
    await row.get_by_role("link").focus()
    await row.get_by_role("button", name="Delete").click()
    words = page.page.get_by_role("dialog").locator("p").first
    await expect(words).to_have_text("“gnp.[U+202E]exe” and its answers go for good.")
    await expect(words.locator("bdi")).to_have_text("gnp.[U+202E]exe")


async def test_no_character_turns_a_row_round_and_a_new_name_begins_with_the_old_one_as_it_is(
    page: PageDriver,
) -> None:
    title, repositories = "gnp.\u202eexe", ["a\u202eb", "c\u200fd"]
    conversation = {**make_conversation(1), "title": title, "repositories": repositories}

    async def give(route: Route) -> None:
        await route.fulfill(json=[conversation])

    async def give_projects(route: Route) -> None:
        await route.fulfill(json=[make_unready("e\u202ef")])

    await page.page.route("**/api/v1/conversations?*", give)
    await page.page.route("**/api/v1/projects/list", give_projects)
    await page.go()
    for name in ("Conversations", "Shared with you"):
        link = page.page.get_by_role("region", name=name, exact=True).get_by_role("link")
        await expect(link.locator(".name")).to_have_text("gnp.[U+202E]exe")
        await expect(link.locator(".words")).to_contain_text("a[U+202E]b and c[U+200F]d · ")
        await expect(link).to_have_attribute("title", "gnp.[U+202E]exe\na[U+202E]b and c[U+200F]d")
    repository = page.repository("e[U+202E]f").locator(".item")
    await expect(repository).to_have_attribute("title", "/nowhere/e[U+202E]f\nThe disk was full.")
    await page.page.get_by_role("region", name="Conversations").get_by_role("link").focus()
    await page.page.get_by_role("button", name="Rename").click()
    field = page.page.get_by_role("textbox", name="Rename the conversation")
    await expect(field).to_have_value(title)


async def test_why_a_repository_cannot_be_indexed_again_is_said(page: PageDriver) -> None:
    unready = make_unready("unready")

    async def give(route: Route) -> None:
        await route.fulfill(json=[unready])

    async def refuse(route: Route) -> None:
        await route.abort()

    await page.page.route("**/api/v1/projects/list", give)
    await page.page.route("**/api/v1/parse", refuse)
    await page.go()
    await page.page.get_by_role("button", name="Index it again").click()
    await expect(page.page.get_by_role("main").get_by_role("alert")).to_contain_text("Check your network")
    await expect(page.page.get_by_role("button", name="Index it again")).to_be_enabled()
