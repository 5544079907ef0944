"""Where the keyboard is when a deed is done: never on nothing, and never taken from where a person has put it."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Locator, Route, expect
from tests.support.page_driver import PageDriver

from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"
MANY = 230
CONVERSATION = "00000000-0000-4000-8000-000000000001"


def button(driver: PageDriver, name: str) -> Locator:
    return driver.page.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("width", [1280, 360])
async def test_regenerate_hands_on_to_stop_and_this_to_regenerate(ready: PageDriver, width: int) -> None:
    await ready.page.set_viewport_size({"width": width, "height": 720})
    await ready.ask(QUESTION)
    await ready.until_complete()
    await button(ready, "Regenerate").press("Enter")
    await expect(button(ready, "Stop the answer")).to_be_focused()
    await ready.until_written(40)
    await ready.page.keyboard.press("Enter")
    await expect(ready.answers.last).to_contain_text("Stopped.")
    await expect(button(ready, "Regenerate")).to_be_focused()
    await ready.page.keyboard.press("Enter")
    await expect(button(ready, "Stop the answer")).to_be_focused()
    await ready.until_complete()
    await expect(button(ready, "Regenerate")).to_be_focused()


async def test_who_has_gone_elsewhere_meanwhile_stays_there(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await button(ready, "Regenerate").click()
    await expect(button(ready, "Stop the answer")).to_be_focused()
    await ready.question.fill("And where")
    await ready.until_complete()
    await expect(ready.answers).to_have_count(1)
    await expect(ready.question).to_be_focused()
    await button(ready, "Regenerate").click()
    await ready.until_written(10)
    await ready.page.get_by_role("article", name="Question").click()
    place = await ready.page.evaluate_handle("document.activeElement")
    await ready.until_complete()
    await expect(ready.answers.last).to_contain_text("3 / 3")
    assert await place.evaluate("node => document.activeElement === node")


async def test_a_page_that_is_slow_to_load_takes_the_keyboard_from_nobody(page: PageDriver) -> None:
    may_load = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_load.wait()
        await route.continue_()

    await page.page.route("**/api/v1/conversations?*", hold)
    await page.go()
    await button(page, "Add a repository").press("Enter")
    field = page.page.get_by_role("navigation").get_by_label("Folder or https URL")
    await expect(field).to_be_focused()
    may_load.set()
    await page.page.wait_for_load_state("networkidle")
    await expect(field).to_be_focused()


async def test_words_that_are_dismissed_lead_to_the_question(ready: PageDriver) -> None:
    async def refuse(route: Route) -> None:
        await route.abort()

    await ready.page.route("**/api/v1/conversations", refuse)
    await ready.question.fill(QUESTION)
    await button(ready, "Ask").press("Enter")
    await expect(ready.question).to_be_focused()
    await button(ready, "Dismiss").press("Enter")
    await expect(ready.question).to_be_focused()
    await expect(ready.question).to_have_value(QUESTION)


async def test_rows_of_repositories_keep_the_keyboard(page: PageDriver, indexed: str, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def one():\n    return 1\n")
    await page.go()
    await button(page, "Add a repository").press("Enter")
    field = page.page.get_by_role("navigation").get_by_label("Folder or https URL")
    await field.fill(str(tmp_path))
    await field.press("Enter")
    row = page.repository(tmp_path.name)
    await expect(row.locator(".item")).to_be_focused()
    await expect(row).to_contain_text("1 file ·")
    await expect(row.locator(".item")).to_be_focused()
    await row.get_by_role("button", name="Index what changed").press("Enter")
    await expect(row.locator(":focus")).to_have_count(1)
    await expect(row.get_by_role("progressbar")).to_be_hidden()
    await row.locator(".item").focus()
    await row.get_by_role("button", name="Remove the repository").press("Enter")
    await button(page, "Cancel").press("Enter")
    await expect(page.page.get_by_role("dialog")).to_have_count(0)
    await expect(row.locator(":focus")).to_have_count(1)
    await row.get_by_role("button", name="Remove the repository").press("Enter")
    await page.page.get_by_role("dialog").get_by_role("button", name="Remove").press("Enter")
    await expect(row).to_have_count(0)
    await expect(page.page.locator("li.repository .item:focus")).to_have_count(1)


@pytest.mark.parametrize("width", [1280, 360])
async def test_the_first_repository_that_is_added_has_the_keyboard(page: PageDriver, width: int) -> None:
    await page.page.set_viewport_size({"width": width, "height": 720})
    project = {
        "id": str(new_uuid()),
        "repo_name": "first",
        "source": "/first",
        "branch_name": "",
        "error": None,
        "status": "ready",
        "run_id": None,
        "is_owner": True,
        "files": 1,
        "indexed_at": "2020-01-01T00:00:00Z",
    }
    projects: list[dict[str, Any]] = []

    async def give(route: Route) -> None:
        await route.fulfill(json=projects)

    async def add(route: Route) -> None:
        projects.append(project)
        await route.fulfill(status=202, json={"project_id": project["id"], "run_id": str(new_uuid())})

    await page.page.route("**/api/v1/projects/list", give)
    await page.page.route("**/api/v1/parse", add)
    await page.go()
    field = page.page.get_by_role("main").get_by_label("Folder or https URL")
    await field.fill("/first")
    await field.press("Enter")
    await expect(page.page.get_by_role("heading", name="first")).to_be_visible()
    if width == 1280:
        await expect(page.repository("first").locator(".item")).to_be_focused()
    else:
        await expect(page.page.get_by_role("main")).to_be_focused()


def make_message(number: int) -> dict[str, Any]:
    is_question = number % 2 == 0
    return {
        "id": f"message-{number}",
        "conversation_id": CONVERSATION,
        "content": f"Words {number}",
        "type": "HUMAN" if is_question else "AI_GENERATED",
        "status": "ACTIVE",
        "turn": number // 2,
        "siblings": [],
        "run_id": None,
        "reason": None,
        "citations": [],
        "tool_calls": [],
        "thinking": None,
    }


async def test_earlier_messages_are_put_before_those_that_are_read(page: PageDriver) -> None:
    async def info(route: Route) -> None:
        about: dict[str, Any] = {
            "id": CONVERSATION,
            "title": "Long",
            "project_ids": [],
            "repositories": [],
            "run_id": None,
        }
        rights = {"access_type": "write", "is_creator": True, "has_repositories": True}
        await route.fulfill(json={**about, **rights, "total_messages": MANY})

    async def messages(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(query["start"][0]), int(query["limit"][0])
        await route.fulfill(json=[make_message(n) for n in range(start, min(MANY, start + limit))])

    async def markdown(route: Route) -> None:
        await route.fulfill(json={"html": f"<p>{json.loads(route.request.post_data or '')['text']}</p>"})

    await page.page.route("**/info", info)
    await page.page.route("**/messages?*", messages)
    await page.page.route("**/api/v1/markdown", markdown)
    await page.go(f"/c/{CONVERSATION}")
    earlier = button(page, "Show earlier messages")
    for first in (30, 0):
        below = page.page.locator(".turns > article").first
        words = await below.inner_text()
        await page.page.locator(".scroller").evaluate("node => node.scrollTo(0, 7)")
        place = await below.evaluate("node => node.getBoundingClientRect().top")
        await earlier.press("Enter")
        await expect(page.page.locator(".turns > article:focus")).to_have_text(f"Words {first}")
        same = page.page.locator(".turns > article").get_by_text(words, exact=True)
        assert (
            abs(await same.evaluate("node => node.closest('article').getBoundingClientRect().top") - place)
            < 3
        )
    await expect(earlier).to_have_count(0)


async def test_a_step_back_and_forward_keeps_the_keyboard_and_says_where_it_leads(
    ready: PageDriver,
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.focus()
    await ready.page.go_back()
    await expect(ready.page.get_by_role("heading", name="What would you like to know")).to_be_visible()
    await expect(ready.question).to_be_focused()
    await ready.page.locator(".suggestion").first.focus()
    await ready.page.go_forward()
    await expect(ready.answers).to_have_count(1)
    await expect(ready.question).to_be_focused()
    await expect(ready.page.get_by_role("status")).to_have_text(QUESTION)


async def test_a_conversation_that_is_chosen_in_the_drawer_has_the_keyboard(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.page.set_viewport_size({"width": 360, "height": 720})
    await button(ready, "Show repositories and conversations").press("Enter")
    await button(ready, "New question").press("Enter")
    await expect(ready.page.get_by_role("main")).to_be_focused()
