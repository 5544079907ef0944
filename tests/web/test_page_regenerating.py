"""Answering again on the page: the old answer stays in sight until the new one is whole, and a step away after that."""

import pytest
from playwright.async_api import Locator, expect
from tests.support.page_driver import PageDriver

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"


def regenerate_button(driver: PageDriver) -> Locator:
    return driver.page.get_by_role("button", name="Regenerate")


async def test_a_new_answer_takes_the_place_of_the_old_one_which_is_a_step_away(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await regenerate_button(ready).click()
    await ready.until_written(40)
    await expect(ready.answers).to_have_count(2)
    await expect(regenerate_button(ready)).to_be_hidden()
    await ready.until_complete()
    await expect(ready.answers).to_have_count(1)
    await expect(ready.answers.last).to_contain_text("2 / 2")
    await expect(ready.page.get_by_role("button", name="Next answer")).to_be_disabled()
    await ready.page.get_by_role("button", name="Previous answer").click()
    await expect(ready.answers.last).to_contain_text("1 / 2")
    assert len(await ready.until_complete()) > 40
    await ready.page.reload()
    await ready.until_complete()
    await expect(ready.answers.last).to_contain_text("2 / 2")


async def test_a_stopped_one_leaves_the_old_answer_where_it_was(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    old = await ready.until_complete()
    await regenerate_button(ready).click()
    await ready.until_written(40)
    await ready.page.get_by_role("button", name="Stop the answer").click()
    await expect(ready.answers.last).to_contain_text("Stopped.")
    await expect(ready.answers).to_have_count(2)
    await ready.page.reload()
    assert await ready.until_complete() == old
    await expect(ready.answers).to_have_count(1)
    await expect(ready.answers.last).to_contain_text("1 / 2")


async def test_a_refresh_while_it_is_written_again_goes_on_with_it(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await regenerate_button(ready).click()
    await ready.until_written(40)
    await ready.page.reload()
    await ready.until_written(40)
    await ready.until_complete()
    await expect(ready.answers).to_have_count(1)
    await expect(ready.answers.last).to_contain_text("2 / 2")


async def test_only_the_last_answer_can_be_written_again(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.ask("Where is the session read from the cookie?")
    await expect(ready.answers).to_have_count(2)
    await ready.until_complete()
    await expect(regenerate_button(ready)).to_have_count(1)
    await expect(ready.answers.last.get_by_role("button", name="Regenerate")).to_be_visible()
