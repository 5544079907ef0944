"""Usage at the page: what is left stands in one's account, and a question beyond it is refused in words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from sqlalchemy import select
from tests.support.page_driver import PageDriver

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.users.models import User

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="session")
def email(slow_stack: Stack) -> str:
    """The address of the account that the page is signed in to."""
    engine = open_engine(slow_stack.settings.require_database_url(), pool_size=1)
    with engine.connect() as connection:
        found = connection.scalar(select(User.email).where(User.is_administrator).order_by(User.created_at))
    engine.dispose()
    assert found
    return found


@contextmanager
def limited(operator: RiverrunClient, email: str, **numbers: Any) -> Iterator[None]:
    """A limit for as long as the block lasts."""
    operator.limit_usage("user", email, numbers)
    try:
        yield
    finally:
        operator.unlimit_usage("user", email)


async def account_sheet(driver: PageDriver) -> Locator:
    await driver.page.locator(".sidebar footer .account").click()
    sheet = driver.page.get_by_role("dialog", name="Your account")
    await expect(sheet).to_be_visible()
    return sheet


async def test_the_account_says_what_is_left(page: PageDriver, operator: RiverrunClient, email: str) -> None:
    used = operator.usage()
    limits = {
        "questions_per_month": used["questions"] + 40,
        "tokens_per_day": 2_000_000,
        "questions_per_day": 0,
    }
    with limited(operator, email, **limits):
        await page.go()
        sheet = await account_sheet(page)
        month = sheet.get_by_role("listitem").filter(has_text="Questions a month")
        await expect(month).to_contain_text(f"{used['questions']:,} of {used['questions'] + 40:,}; 40 left")
        today = sheet.get_by_role("listitem").filter(has_text="Questions a day")
        await expect(today).to_contain_text("of 0; none left, all again at midnight, UTC")
        await expect(sheet.get_by_role("meter", name="Tokens a day, used")).to_have_attribute(
            "max", "2000000"
        )


async def test_without_limits_the_account_says_so(page: PageDriver) -> None:
    await page.go()
    await expect(await account_sheet(page)).to_contain_text("You have no limits.")


async def test_a_question_beyond_the_limit_is_refused_in_words_and_stays_in_the_box(
    ready: PageDriver, operator: RiverrunClient, email: str
) -> None:
    with limited(operator, email, questions_per_month=0):
        await ready.ask("How is a form parsed?")
        await expect(ready.page.get_by_text(re.compile("0 questions of this month are used"))).to_be_visible()
        await expect(ready.question).to_have_value("How is a form parsed?")
    ready.faults.clear()  # Chromium reports the refusal that was asked for.
