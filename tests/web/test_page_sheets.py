"""The sheets over the page: what they say is heard, what they copy is copied, and there is one at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, Route, expect
from tests.support.page_driver import PageDriver

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"
NO_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined })"
"""As on plain http."""
CLICK_TWICE = "node => { node.click(); node.click(); }"


def account_button(driver: PageDriver) -> Locator:
    return driver.page.get_by_title("Your account:")


async def open_sharing(owner: PageDriver) -> Locator:
    await owner.ask(QUESTION)
    await owner.until_complete()
    await owner.page.get_by_role("button", name="Share").click()
    return owner.page.get_by_role("dialog", name="Share this conversation")


async def test_a_link_is_copied_out_of_a_sheet_on_plain_http_too(ready: PageDriver) -> None:
    await ready.page.evaluate(NO_CLIPBOARD)
    sheet = await open_sharing(ready)
    await sheet.get_by_role("button", name="Make a link").click()
    link = sheet.get_by_role("textbox", name="The new link")
    copy = sheet.get_by_role("button", name="Copy the link")
    await copy.click()
    await expect(copy).to_be_focused()
    await sheet.get_by_label("E-mail").focus()
    await ready.page.keyboard.press("Control+V")
    await expect(sheet.get_by_label("E-mail")).to_have_value(await link.input_value())
    await expect(sheet.get_by_role("status")).to_have_text("Copied.")


async def test_what_was_not_copied_is_not_said_to_be(ready: PageDriver) -> None:
    await ready.page.evaluate(f"{NO_CLIPBOARD}; document.execCommand = () => false")
    sheet = await open_sharing(ready)
    await sheet.get_by_role("button", name="Make a link").click()
    await sheet.get_by_role("button", name="Copy the link").click()
    await expect(sheet.get_by_role("status")).to_have_text("The browser did not allow copying.")


async def test_what_a_sheet_says_is_said_within_it(ready: PageDriver) -> None:
    sheet = await open_sharing(ready)
    await sheet.get_by_role("button", name="Make a link").click()
    await sheet.get_by_role("button", name="Remove this link").click()
    await expect(sheet.get_by_role("status")).to_have_text("The link opens nothing any more.")
    await ready.page.keyboard.press("Escape")
    await ready.page.get_by_role("button", name="Change the theme").click()
    await expect(ready.page.get_by_role("status")).to_contain_text("The theme is")


async def test_a_deed_that_failed_is_not_announced_as_done(page: PageDriver) -> None:
    await account_button(page).click()
    sheet = page.page.get_by_role("dialog", name="Your account")
    await sheet.get_by_label("What is the key for?").fill("a test of sheets")
    await sheet.get_by_role("button", name="Make a key").click()
    revoke = sheet.get_by_role("button", name="Revoke: a test of sheets")

    async def refuse(route: Route) -> None:
        await route.abort()

    await page.page.route("**/api/v1/api-keys/*", refuse)
    await revoke.click()
    await expect(sheet.get_by_text("Check your network")).to_be_visible()
    said = page.page.get_by_role("status").filter(has_text="Revoke")
    assert await said.count() == 0
    await page.page.unroute("**/api/v1/api-keys/*")
    await revoke.click()
    await expect(sheet.get_by_role("status").filter(has_text="Revoke: a test of sheets")).to_have_count(1)


async def test_two_quick_clicks_open_one_sheet(ready: PageDriver) -> None:
    await account_button(ready).evaluate(CLICK_TWICE)
    await expect(ready.page.get_by_role("dialog")).to_be_visible()
    await ready.page.wait_for_load_state("networkidle")
    await expect(ready.page.locator("dialog")).to_have_count(1)
    await ready.page.keyboard.press("Escape")
    await expect(ready.page.locator("dialog")).to_have_count(0)
    await account_button(ready).click()
    await expect(ready.page.locator("dialog")).to_have_count(1)
    await ready.page.keyboard.press("Escape")
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.page.get_by_role("button", name="Share").evaluate(CLICK_TWICE)
    await expect(ready.page.get_by_role("dialog")).to_be_visible()
    await ready.page.wait_for_timeout(500)
    await expect(ready.page.locator("dialog")).to_have_count(1)


async def test_a_step_back_closes_the_sheet_of_the_conversation_that_is_left(ready: PageDriver) -> None:
    sheet = await open_sharing(ready)
    await expect(sheet).to_be_visible()
    await ready.page.go_back()
    await expect(ready.page.locator("dialog")).to_have_count(0)
    await expect(ready.question).to_be_focused()


async def test_a_sheet_that_is_read_late_does_not_open_over_another_conversation(ready: PageDriver) -> None:
    may_answer = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_answer.wait()
        await route.continue_()

    await ready.page.route("**/shares", hold)
    async with ready.page.expect_request("**/shares"):
        await open_sharing(ready)
    await ready.page.go_back()
    async with ready.page.expect_response("**/shares") as answered:
        may_answer.set()
    await (await answered.value).finished()
    await account_button(ready).click()
    await expect(ready.page.get_by_role("dialog", name="Your account")).to_be_visible()
    await expect(ready.page.locator("dialog")).to_have_count(1)


async def test_escape_closes_a_sheet_and_not_what_is_behind_it(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.click()
    await expect(ready.panel).to_be_visible()
    await ready.page.get_by_role("button", name="Share").click()
    await expect(ready.page.get_by_role("dialog")).to_be_visible()
    await ready.page.keyboard.press("Escape")
    await expect(ready.page.locator("dialog")).to_have_count(0)
    await expect(ready.panel).to_be_visible()
    await ready.question.dispatch_event("keydown", {"key": "Escape", "isComposing": True, "bubbles": True})
    await expect(ready.panel).to_be_visible()
    await ready.question.press("Escape")
    await expect(ready.panel).to_be_hidden()


async def test_a_wrong_clock_of_the_browser_makes_no_wrong_link(ready: PageDriver) -> None:
    await ready.page.clock.set_system_time(datetime.now(UTC) - timedelta(days=3))
    await ready.go()
    sheet = await open_sharing(ready)
    await expect(ready.page.locator("li.current[data-id]")).to_contain_text("just now")
    await sheet.get_by_label("How long").select_option("For a day")
    await sheet.get_by_role("button", name="Make a link").click()
    await expect(sheet.get_by_role("textbox", name="The new link")).to_be_visible()
