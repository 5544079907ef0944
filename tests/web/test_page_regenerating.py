"""Answering again on the page: the old answer stays in sight until the new one is whole, and a step away after that."""

import pytest
from playwright.async_api import Locator, expect
from tests.support.live_api import client_of
from tests.support.page_driver import PageDriver

from riverrun.cli.stack import Stack

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
    await expect(ready.answers).to_have_count(1)
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


async def test_a_whole_one_takes_the_place_of_a_stopped_one_too(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await regenerate_button(ready).click()
    await ready.until_written(40)
    await ready.page.get_by_role("button", name="Stop the answer").click()
    await expect(ready.answers.last).to_contain_text("Stopped.")
    await regenerate_button(ready).click()
    await expect(ready.answers).to_have_count(3)
    await expect(ready.answers.last).to_contain_text("3 / 3")
    await expect(ready.answers).to_have_count(1)


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


async def test_questions_that_wait_in_line_are_shown_with_their_answers_as_these_come(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(40)
    conversation_id = ready.page.url.rpartition("/")[2]
    async with client_of(slow_stack.base_url, slow_stack.token) as client:
        for content in ("And where is it read?", "And how is it cleared?"):
            response = await client.post(
                f"/api/v1/conversations/{conversation_id}/message?background=true&if_busy=enqueue",
                json={"content": content},
            )
            assert response.status_code == 202
    await ready.page.reload()
    await expect(ready.answers).to_have_count(3)
    await ready.until_complete()
    texts = await ready.page.locator("article.answer .prose").all_inner_texts()
    assert all(len(text) > 40 for text in texts)
    await ready.page.reload()
    await ready.until_complete()
    assert await ready.page.locator("article.answer .prose").all_inner_texts() == texts
