"""Signing in, asking, reading, stopping: the page in Chromium before the real stack."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run
from tests.support.waiting import wait_until_async

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"


async def test_somebody_without_a_link_is_told_where_to_find_one(browser: Browser, slow_stack: Stack) -> None:
    driver = await PageDriver.open(browser, slow_stack.base_url)
    await driver.go()
    await expect(driver.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(driver.page.get_by_role("main")).to_contain_text("open the link")
    await driver.close()


async def test_a_link_signs_in_and_the_button_signs_out(page: PageDriver) -> None:
    await expect(page.page).to_have_url(f"{page.base_url}/")
    await expect(page.page.get_by_text("Administrator")).to_be_visible()
    await page.page.get_by_role("button", name="Sign out").click()
    await expect(page.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.page.reload()
    await expect(page.page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.faults.clear()  # Chromium reports the refusal that the last assertion asked for.


async def test_an_answer_streams_in_and_then_shows_its_sources(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await expect(ready.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}$"))
    first = await ready.until_written(40)
    await expect(ready.page.get_by_role("button", name="Stop the answer")).to_be_visible()
    whole = await ready.until_complete()
    assert len(whole) > len(first)
    assert await ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").count() >= 1
    await expect(ready.answers.last.locator(".activity > summary")).to_contain_text("earched")
    await expect(ready.page.locator("nav a[aria-current=page] .name")).to_have_text(QUESTION)
    await expect(ready.page).to_have_title(f"{QUESTION} · Riverrun")


async def test_a_citation_opens_the_very_lines_beside_the_answer(
    ready: PageDriver, operator: RiverrunClient
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    chip = ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first
    place = (await chip.get_attribute("title")) or ""
    path, start, end = re.fullmatch(r"(.+):(\d+)-(\d+)", place).groups()
    await chip.click()
    await expect(ready.panel.get_by_role("heading", name=place)).to_be_focused()
    cited = ready.panel.locator(".line.cited")
    await expect(cited).to_have_count(int(end) - int(start) + 1)
    assert await cited.first.get_attribute("data-line") == start
    project = next(p for p in operator.projects() if p["repo_name"] == "starlette")
    stored = operator.file_lines(project["id"], path, int(start), int(end))["text"]
    assert "".join(await cited.all_text_contents()).rstrip("\n") == stored.rstrip("\n")
    await ready.page.keyboard.press("Escape")
    await expect(ready.panel).to_be_hidden()
    await expect(chip).to_be_focused()


async def test_stop_keeps_what_was_written_until_then(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    await ready.page.get_by_role("button", name="Stop the answer").click()
    await expect(ready.answers.last).to_contain_text("Stopped. What was written until then is kept.")
    kept = await ready.until_complete()
    assert len(kept) >= 60
    await ready.page.reload()
    await expect(ready.answers.last).to_contain_text("Stopped.")
    assert await ready.until_complete() == kept
    await expect(ready.page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


async def test_a_stop_is_shown_before_the_page_knows_whether_the_conversation_is_still_there(
    ready: PageDriver,
) -> None:
    may_tell = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_tell.wait()
        await route.continue_()

    await ready.ask(QUESTION)
    await ready.until_written(10)
    await ready.page.route("**/info", hold)
    async with ready.page.expect_response("**/info"):
        await ready.page.get_by_role("button", name="Stop the answer").click()
        await expect(ready.answers.last).to_contain_text("Stopped.")
        await expect(ready.page.get_by_role("status")).to_have_text("The answer was stopped.")
        may_tell.set()
    await expect(ready.answers.last).to_contain_text("Stopped.")


async def test_whether_a_conversation_is_still_there_is_asked_for_its_live_run_alone(
    page: PageDriver,
) -> None:
    asked: list[str] = []

    def make_question(number: int) -> dict[str, Any]:
        about = {"id": f"message-{number}", "type": "HUMAN", "turn": number, "run_id": f"run-{number}"}
        return {**about, "content": f"Question {number}"}

    async def info(route: Route) -> None:
        asked.append(route.request.url)
        about: dict[str, Any] = {"title": "Four", "project_ids": [], "repositories": [], "run_id": None}
        rights = {"access_type": "write", "is_creator": True, "has_repositories": True}
        await route.fulfill(json={**about, **rights, "id": "four", "total_messages": 4})

    async def messages(route: Route) -> None:
        await route.fulfill(json=[make_question(number) for number in range(4)])

    async def running(route: Route) -> None:
        await route.fulfill(json={"status": "running", "ended_at": None, "error": None})

    await page.page.route("**/conversations/four/info", info)
    await page.page.route("**/conversations/four/messages?*", messages)
    await page.page.route("**/api/v1/runs/run-*", running)
    await run(
        page,
        """
      const { Thread } = await load("thread.js");
      const nothing = () => {};
      const gone = () => Promise.reject(Object.assign(new Error("Gone."), { status: 404 }));
      const thread = new Thread({
        stream: { follow: gone }, projects: Object.assign(new EventTarget(), { isLoaded: true, selected: null }),
        panel: { close: nothing }, onBegun: nothing, onChanged: nothing, onTitle: nothing, onProblem: nothing,
      });
      thread.node.id = "four";
      document.body.append(thread.node);
      await thread.open("four");
    """,
    )
    await expect(page.page.locator("#four .failure")).to_have_count(4)
    await wait_until_async(lambda: len(asked) >= 2, what="the page to ask for the live run")
    assert len(asked) == 2


async def test_a_second_question_follows_in_the_same_conversation(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    address = ready.page.url
    await ready.ask("Where is the session read from the cookie?")
    await expect(ready.answers).to_have_count(2)
    await ready.until_complete()
    assert ready.page.url == address
    await ready.page.go_back()
    await expect(ready.page.get_by_role("heading", name="What would you like to know")).to_be_visible()
    await ready.page.go_forward()
    await expect(ready.answers).to_have_count(2)


async def test_why_nothing_can_be_asked_is_said(ready: PageDriver) -> None:
    ask = ready.page.get_by_role("button", name="Ask", exact=True)
    await expect(ask).to_be_disabled()
    await ready.question.fill("x" * 32_100)
    await expect(ask).to_be_disabled()
    await expect(ready.page.get_by_text("100 characters too many")).to_be_visible()


async def test_a_conversation_is_renamed_and_deleted(ready: PageDriver) -> None:
    await ready.ask("Which class parses multipart bodies?")
    await ready.until_complete()
    row = ready.page.locator("li", has=ready.page.locator("a[aria-current=page]"))
    await row.hover()
    await row.get_by_role("button", name="Rename").click()
    await ready.page.get_by_role("textbox", name="Rename the conversation").fill("Multipart")
    await ready.page.keyboard.press("Enter")
    await expect(row.locator(".name")).to_have_text("Multipart")
    await expect(ready.page).to_have_title("Multipart · Riverrun")
    await row.get_by_role("button", name="Delete").click()
    await ready.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(ready.page).to_have_url(f"{ready.base_url}/")
    await expect(ready.page.get_by_role("link", name="Multipart")).to_have_count(0)


async def test_an_unknown_conversation_is_said_to_be_unknown(page: PageDriver) -> None:
    await page.go("/c/00000000-0000-7000-8000-000000000000")
    await expect(page.page.get_by_role("heading", name="There is no such conversation")).to_be_visible()
    page.faults.clear()  # Chromium reports the 404 that the test asked for.
