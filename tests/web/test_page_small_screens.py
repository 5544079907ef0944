"""Windows that are low, narrow or magnified: everything can be reached, and has a name."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, Route, expect
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

from riverrun.cli.stack import Stack
from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG_AGO = "2020-01-01T00:00:00Z"
SIZES = [(1280, 800), (1280, 577), (640, 400), (667, 375), (320, 256)]
"""Among them 1280x800 at 200 %, at 400 %, and a telephone that lies on its side."""


def make_conversation(title: str) -> dict[str, Any]:
    return {"id": str(new_uuid()), "title": title, "repositories": ["somewhere"], "updated_at": LONG_AGO}


def make_project(number: int) -> dict[str, Any]:
    name = f"repository-{number}"
    project = {"id": str(new_uuid()), "repo_name": name, "source": f"/nowhere/{name}", "branch_name": ""}
    state = {"status": "ready", "error": None, "run_id": None, "is_owner": True}
    return {**project, **state, "files": 7, "indexed_at": LONG_AGO}


async def give_many(page: Page) -> None:
    """16 repositories, 20 own conversations and 12 of others."""

    async def give_conversations(route: Route) -> None:
        (shared,) = parse_qs(urlsplit(route.request.url).query)["shared"]
        titles = [f"Shared {n}" for n in range(12)] if shared == "true" else [f"Own {n}" for n in range(20)]
        await route.fulfill(json=[make_conversation(title) for title in titles])

    async def give_projects(route: Route) -> None:
        await route.fulfill(json=[make_project(number) for number in range(16)])

    await page.route("**/api/v1/conversations?*", give_conversations)
    await page.route("**/api/v1/projects/list", give_projects)


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_all_of_the_sidebar_can_be_reached(page: PageDriver, width: int, height: int) -> None:
    await page.page.set_viewport_size({"width": width, "height": height})
    await give_many(page.page)
    await page.go()
    sidebar = page.page.locator(".sidebar")
    await expect(sidebar.locator(".items a")).to_have_count(32)
    if width <= 860:
        await page.page.get_by_role("button", name="Show repositories and conversations").click()
    for name in ("repository-0", "repository-15", "Own 0", "Own 19", "Shared 0", "Shared 11"):
        item = sidebar.locator(".item").filter(has=page.page.get_by_text(name, exact=True))
        await item.click(trial=True, timeout=5_000)
    await sidebar.get_by_role("button", name="Sign out").click(trial=True, timeout=5_000)
    await sidebar.get_by_role("button", name="New question").click(trial=True, timeout=5_000)


async def test_a_failure_on_the_first_page_looks_like_one(page: PageDriver) -> None:
    async def give_none(route: Route) -> None:
        await route.fulfill(json=[])

    await page.page.route("**/api/v1/projects/list", give_none)
    await page.go()
    main = page.page.get_by_role("main")
    await main.get_by_label("Folder or https URL").fill("/nowhere/at/all")
    await main.get_by_role("button", name="Add").click()
    await expect(main.get_by_role("alert")).to_be_visible()
    danger = await page.page.evaluate(
        "(() => { const p = document.createElement('p'); p.style.color = 'var(--danger)'; document.body.append(p);"
        " const { color } = getComputedStyle(p); p.remove(); return color; })()"
    )
    await expect(main.get_by_role("alert")).to_have_css("color", danger)
    page.faults.clear()  # Chromium reports the refusal that the test asked for.


async def test_what_a_row_offers_is_in_sight_where_nothing_can_hover(
    browser: Browser, slow_stack: Stack
) -> None:
    tablet = {"width": 1024, "height": 768}
    driver = await PageDriver.open(
        browser, slow_stack.base_url, viewport=tablet, has_touch=True, is_mobile=True
    )
    await give_many(driver.page)
    await driver.page.goto(slow_stack.sign_in_link())
    sidebar = driver.page.locator(".sidebar")
    own = sidebar.locator("li").filter(has=driver.page.get_by_text("Own 3", exact=True))
    await expect(own.get_by_role("button", name="Rename")).to_be_visible()
    await expect(own.get_by_role("button", name="Delete")).to_be_visible()
    await expect(
        driver.repository("repository-15").get_by_role("button", name="Index what changed")
    ).to_be_visible()
    await driver.close()


@pytest.mark.parametrize(("width", "height"), [(844, 390), (640, 360), (320, 256)])
async def test_a_long_question_leaves_room_for_the_conversation_and_its_button(
    ready: PageDriver, width: int, height: int
) -> None:
    await ready.page.set_viewport_size({"width": width, "height": height})
    await ready.question.fill("A long question. " * 80)
    await expect(ready.page.get_by_role("button", name="Ask", exact=True)).to_be_in_viewport(ratio=1)
    await expect(ready.page.locator(".topbar")).to_be_in_viewport(ratio=1)
    assert await ready.page.locator(".scroller").evaluate("node => node.clientHeight") >= 40


async def walk(driver: PageDriver, steps: int = 12) -> set[str]:
    """The rooms that the keyboard comes through: `sidebar`, `middle`, `panel`."""
    rooms = set()
    for _ in range(steps):
        await driver.page.keyboard.press("Tab")
        rooms.add(
            await driver.page.evaluate(
                "document.activeElement.closest('.sidebar, .middle, .panel')?.classList[0] ?? ''"
            )
        )
    return rooms - {""}


async def test_the_keyboard_does_not_walk_behind_an_open_drawer(page: PageDriver) -> None:
    await page.page.set_viewport_size({"width": 360, "height": 720})
    await page.go()
    menu = page.page.get_by_role("button", name="Show repositories and conversations")
    await menu.press("Enter")
    await expect(page.page.get_by_role("button", name="New question")).to_be_focused()
    assert await walk(page, 60) == {"sidebar"}
    await page.page.keyboard.press("Escape")
    await expect(menu).to_be_focused()
    await menu.press("Enter")
    await page.page.set_viewport_size({"width": 1280, "height": 800})
    await page.question.focus()
    await expect(page.question).to_be_focused()


async def test_the_keyboard_does_not_walk_behind_the_source_on_a_narrow_screen(ready: PageDriver) -> None:
    await ready.page.set_viewport_size({"width": 360, "height": 720})
    await ready.ask("How does the session middleware sign its cookie?")
    await ready.until_complete()
    chip = ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first
    await chip.press("Enter")
    await expect(ready.panel.get_by_role("heading")).to_be_focused()
    assert await walk(ready) == {"panel"}
    await ready.panel.get_by_role("button", name="Close").press("Escape")
    await expect(chip).to_be_focused()
    await chip.press("Enter")
    await expect(ready.panel.get_by_role("heading")).to_be_focused()
    await ready.page.keyboard.press("/")
    await expect(ready.panel).to_be_hidden()
    await expect(ready.question).to_be_focused()
    await ready.page.set_viewport_size({"width": 1280, "height": 800})
    await chip.press("Enter")
    await ready.question.focus()
    await ready.page.set_viewport_size({"width": 360, "height": 720})
    await expect(ready.panel.get_by_role("heading")).to_be_focused()


@pytest.mark.parametrize("deed", ["Delete", "Index what changed", "Sign out"])
async def test_a_failure_of_what_is_done_in_the_drawer_is_told_where_it_is_heard(
    page: PageDriver, deed: str
) -> None:
    async def refuse(route: Route) -> None:
        await route.abort()

    await page.page.set_viewport_size({"width": 360, "height": 720})
    await give_many(page.page)
    for address in ("conversations/*", "parse", "logout"):
        await page.page.route(f"**/api/v1/{address}", refuse)
    await page.go()
    menu = page.page.get_by_role("button", name="Show repositories and conversations")
    await menu.press("Enter")
    await page.page.locator(".sidebar").get_by_role("button", name=deed, exact=True).first.press("Enter")
    if deed == "Delete":
        await page.page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    words = page.page.get_by_role("main").get_by_role("alert")
    await expect(words).to_contain_text("The server cannot be reached")
    await expect(page.page.locator(".middle[inert]")).to_have_count(0)
    await expect(menu).to_be_focused()
    await expect(menu).to_have_attribute("aria-expanded", "false")
    await words.get_by_role("button", name="Dismiss").click(timeout=5_000)
    await expect(words).to_be_hidden()


async def test_a_failure_that_comes_while_the_source_covers_the_screen_is_not_under_it(
    ready: PageDriver,
) -> None:
    may_fail = asyncio.Event()

    async def refuse(route: Route) -> None:
        await may_fail.wait()
        await route.abort()

    await ready.page.set_viewport_size({"width": 360, "height": 720})
    await ready.ask("How does the session middleware sign its cookie?")
    await ready.until_complete()
    await ready.page.route("**/message?*", refuse)
    await ready.ask("And who checks it?")
    chip = ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first
    await chip.press("Enter")
    await expect(ready.panel.get_by_role("heading")).to_be_focused()
    may_fail.set()
    words = ready.page.get_by_role("main").get_by_role("alert")
    await expect(words).to_contain_text("The server cannot be reached")
    await expect(ready.panel).to_be_hidden()
    await expect(chip).to_be_focused()
    await words.get_by_role("button", name="Dismiss").click(timeout=5_000)
    await expect(words).to_be_hidden()


@pytest.mark.parametrize(("width", "is_open"), [(360, False), (1280, True)])
async def test_a_failure_closes_a_guests_source_only_where_that_covers_it(
    page: PageDriver, width: int, is_open: bool
) -> None:
    await page.page.set_viewport_size({"width": width, "height": 720})
    shown = await run(
        page,
        """
      const { GuestRoom } = await load("guest_room.js");
      const room = new GuestRoom("id", { onSignIn: () => {} });
      await room.panel.open({ repo: "a", path: "b.py", start_line: 1, end_line: 2 }, null);
      room.thread.showProblem(new Error("It failed."));
      return [room.panel.isOpen, room.middle.inert];
    """,
    )
    assert shown == [is_open, False]
