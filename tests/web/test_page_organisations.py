"""Organisations at the page: made, filled, changed and left, by whoever may; by keyboard, and on a narrow screen too."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from sqlalchemy import Engine
from tests.support.accounts import make_person
from tests.support.page_driver import PageDriver

from riverrun.auth.sign_in import issue_one_time_token
from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True, slots=True)
class Colleague:
    """An account that owns nothing; ``ticket`` signs it in once."""

    email: str
    ticket: str


@pytest.fixture
def database(slow_stack: Stack) -> Iterator[Engine]:
    engine = open_engine(slow_stack.settings.require_database_url(), pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture
def colleague(database: Engine) -> Colleague:
    person = make_person(database, f"{new_uuid().hex[-8:]}@example.org")
    return Colleague(person.email, issue_one_time_token(database, person.user_id))


@pytest_asyncio.fixture(loop_scope="session")
async def theirs(browser: Browser, slow_stack: Stack, colleague: Colleague) -> AsyncIterator[PageDriver]:
    """The colleague's own window, a narrow one, signed in."""
    driver = await PageDriver.open(browser, slow_stack.base_url, viewport={"width": 400, "height": 760})
    await driver.go(f"/sign-in?token={colleague.ticket}")
    yield driver
    await driver.close()
    assert driver.faults == []


async def open_account(driver: PageDriver) -> Locator:
    if await driver.page.locator(".menu").is_visible():
        await driver.page.locator(".menu").click()
    await driver.page.locator(".sidebar footer .account").click()
    return driver.page.get_by_role("dialog", name="Your account")


async def test_an_organisation_is_made_filled_and_deleted(page: PageDriver, colleague: Colleague) -> None:
    await page.go()
    name = f"Team {new_uuid().hex[-6:]}"
    account = await open_account(page)
    await account.get_by_label("What is it called?").fill(name)
    await account.get_by_role("button", name="Make an organisation").click()
    opener = account.get_by_role("button", name=f"Members of {name}")
    await opener.focus()
    await page.page.keyboard.press("Enter")
    sheet = page.page.get_by_role("dialog", name=name)
    members, invited = sheet.get_by_role("list", name="Members"), sheet.get_by_role("list", name="Invited")

    await add(sheet, colleague.email, "Admin")
    await expect(sheet.get_by_role("paragraph").filter(has_text=f"{colleague.email} is in.")).to_be_visible()
    role = members.get_by_role("combobox", name=f"What {colleague.email} is")
    await expect(role).to_have_value("admin")
    await role.select_option("Member")
    await members.get_by_role("button", name=f"Set what {colleague.email} is").click()
    await expect(role).to_have_value("member")
    await expect(sheet.get_by_role("heading", name=name)).to_be_focused()

    await add(sheet, "nobody.yet@example.org", "Owner")
    await expect(invited).to_contain_text("to be owner, invited just now")
    await sheet.get_by_role("button", name="Take back: nobody.yet@example.org").click()
    await expect(invited).to_be_hidden()

    await sheet.get_by_role("button", name=f"Remove {colleague.email}").click()
    await expect(members.get_by_role("listitem")).to_have_count(1)
    await sheet.get_by_role("button", name="Leave it").click()
    await confirm(page, f"Leave {name}?", "Leave")
    await expect(sheet.get_by_role("alert").first).to_contain_text("only owner")
    page.faults.clear()  # Chromium reports the refusal that was asked for.

    await page.page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await expect(account).to_be_visible()
    await opener.click()
    await sheet.get_by_role("button", name="Delete it").click()
    await confirm(page, f"Delete {name}?", "Delete")
    await expect(sheet).to_be_hidden()
    await expect(opener).to_have_count(0)


async def test_a_member_looks_and_leaves_on_a_narrow_screen(
    theirs: PageDriver, operator: RiverrunClient, colleague: Colleague
) -> None:
    made = operator.create_organisation(f"A team with quite a long name {new_uuid().hex[-6:]}")
    operator.add_member(made["id"], colleague.email, "member")
    await theirs.go()
    account = await open_account(theirs)
    await account.get_by_role("button", name=f"Members of {made['name']}").click()
    sheet = theirs.page.get_by_role("dialog", name=made["name"])
    await expect(sheet.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(2)
    for control in (sheet.get_by_role("combobox"), sheet.get_by_role("textbox")):
        await expect(control).to_have_count(0)
    await expect(sheet.get_by_role("button", name="Delete it")).to_have_count(0)
    assert await theirs.width_of_content() <= 400
    assert await sheet.evaluate("sheet => sheet.scrollWidth - sheet.clientWidth") == 0
    await sheet.get_by_role("button", name="Leave it").click()
    await confirm(theirs, f"Leave {made['name']}?", "Leave")
    await expect(sheet).to_be_hidden()
    await expect(account).to_contain_text("You are in none.")


async def add(sheet: Locator, email: str, role: str) -> None:
    await sheet.get_by_label("E-mail").fill(email)
    await sheet.get_by_label("What they are").select_option(role)
    await sheet.get_by_role("button", name="Add", exact=True).click()


async def confirm(driver: PageDriver, title: str, action: str) -> None:
    dialog = driver.page.get_by_role("dialog", name=title)
    await dialog.get_by_role("button", name=action, exact=True).click()
