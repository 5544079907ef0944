"""Sharing at the page: the owner's sheet, what a reader and a guest are shown, and going on as a copy."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.support.accounts import make_person
from tests.support.page_driver import PageDriver

from riverrun.auth.sign_in import issue_one_time_token
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"


@dataclass(frozen=True, slots=True)
class Reader:
    """An account that owns nothing; ``ticket`` signs it in once."""

    email: str
    ticket: str


@pytest.fixture
def reader(slow_stack: Stack) -> Reader:
    engine = open_engine(slow_stack.settings.require_database_url())
    try:
        person = make_person(engine, f"{new_uuid().hex}@example.org")
        return Reader(person.email, issue_one_time_token(engine, person.user_id))
    finally:
        engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def readers_page(browser: Browser, slow_stack: Stack, reader: Reader) -> AsyncIterator[PageDriver]:
    """The reader's own window, signed in."""
    driver = await PageDriver.open(browser, slow_stack.base_url)
    await driver.go(f"/sign-in?token={reader.ticket}")
    yield driver
    await driver.close()
    assert driver.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def guests_page(browser: Browser, slow_stack: Stack) -> AsyncIterator[PageDriver]:
    """The window of somebody without an account."""
    driver = await PageDriver.open(browser, slow_stack.base_url)
    yield driver
    await driver.close()


async def ask_and_share(owner: PageDriver) -> None:
    """A whole answer, and the sheet that says who may see it."""
    await owner.ask(QUESTION)
    await owner.until_complete()
    await owner.page.get_by_role("button", name="Share").click()
    sheet = owner.page.get_by_role("dialog", name="Share this conversation")
    await expect(sheet).to_contain_text("those of the built-in model always do")


async def link_for_everybody(owner: PageDriver) -> str:
    """Of a whole answer, made in the sheet, which is still open."""
    await ask_and_share(owner)
    sheet = owner.page.get_by_role("dialog")
    await sheet.get_by_label("Only for people with an account here").uncheck()
    await sheet.get_by_role("button", name="Make a link").click()
    return await sheet.get_by_role("textbox", name="The new link").input_value()


async def test_who_is_named_finds_it_reads_along_and_goes_on_as_a_copy(
    ready: PageDriver, readers_page: PageDriver, reader: Reader
) -> None:
    await ask_and_share(ready)
    sheet = ready.page.get_by_role("dialog")
    await sheet.get_by_label("E-mail").fill(reader.email.upper())
    await sheet.get_by_role("button", name="Share", exact=True).click()
    await expect(sheet.get_by_role("list", name="People")).to_contain_text(reader.email)
    await readers_page.go()
    await readers_page.page.get_by_role("link", name=re.compile(QUESTION[:20])).click()
    await expect(readers_page.page.get_by_text("shared with you to look at")).to_be_visible()
    await expect(readers_page.question).to_be_hidden()
    await expect(readers_page.page.get_by_role("button", name="Share")).to_be_hidden()
    await expect(readers_page.page.get_by_role("button", name="Regenerate")).to_be_hidden()
    await readers_page.answers.last.locator(".activity > summary").click()
    await expect(readers_page.answers.last.locator(".steps")).to_contain_text("is not shown")
    await readers_page.page.get_by_role("button", name="Continue as a copy").click()
    await expect(readers_page.page.get_by_text("shared with you to look at")).to_be_hidden()
    await expect(readers_page.answers).to_have_count(1)
    await expect(readers_page.page.get_by_role("button", name="Share")).to_be_visible()


async def test_a_guest_who_holds_the_link_follows_the_answer_while_it_is_written(
    ready: PageDriver, guests_page: PageDriver
) -> None:
    url = await link_for_everybody(ready)
    await ready.page.keyboard.press("Escape")
    await ready.ask("And who checks the signature?")
    await ready.until_written(20)
    await guests_page.go(urlsplit(url).path)
    await expect(guests_page.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}$"))
    await guests_page.until_written(20)
    assert await guests_page.until_complete() == await ready.until_complete()
    await expect(guests_page.question).to_be_hidden()
    await guests_page.page.get_by_role("button", name="Sign in").click()
    await expect(guests_page.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_link_that_is_removed_shows_a_guest_the_door(
    ready: PageDriver, guests_page: PageDriver
) -> None:
    await ask_and_share(ready)
    sheet = ready.page.get_by_role("dialog")
    await sheet.get_by_role("button", name="Make a link").click()
    url = await sheet.get_by_role("textbox", name="The new link").input_value()
    await sheet.get_by_role("button", name="Remove this link").click()
    await expect(sheet.get_by_role("list", name="Links")).to_be_hidden()
    await guests_page.go(urlsplit(url).path)
    await expect(guests_page.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_sheet_fits_a_narrow_screen(ready: PageDriver) -> None:
    await ask_and_share(ready)
    await ready.page.set_viewport_size({"width": 360, "height": 720})
    assert await ready.width_of_content() <= 360
    sheet = ready.page.get_by_role("dialog")
    assert await sheet.evaluate("node => node.scrollWidth <= node.clientWidth")


async def test_the_button_keeps_its_name_where_only_its_icon_is_shown(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.page.set_viewport_size({"width": 360, "height": 720})
    share = ready.page.get_by_role("button", name="Share", exact=True)
    await expect(share).to_be_visible()
    assert (await share.bounding_box() or {})["width"] < 60
    await share.click()
    await expect(ready.page.get_by_role("dialog", name="Share this conversation")).to_be_visible()


async def test_a_guests_keyboard_does_not_walk_behind_the_source_on_a_narrow_screen(
    ready: PageDriver, guests_page: PageDriver
) -> None:
    url = await link_for_everybody(ready)
    await guests_page.page.set_viewport_size({"width": 360, "height": 720})
    await guests_page.go(urlsplit(url).path)
    await guests_page.until_complete()
    chip = guests_page.answers.last.get_by_role("list", name="Sources").get_by_role("button").first
    await chip.press("Enter")
    close = guests_page.panel.get_by_role("button", name="Close")
    await expect(guests_page.page.locator(".middle[inert]")).to_have_count(1)
    await close.press("Enter")
    await expect(chip).to_be_focused()
