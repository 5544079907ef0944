"""What the page does about things that happen meanwhile: in another tab, elsewhere, or before a slow answer comes."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect
from tests.support.indexing import index_folder
from tests.support.live_api import client_of
from tests.support.page_driver import PageDriver

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack
from riverrun.kit.ids import new_uuid

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"
OTHER_QUESTION = "Where is the session read from the cookie?"


def questions_of(driver: PageDriver) -> Any:
    return driver.page.get_by_role("article", name="Question")


def conversation_of(driver: PageDriver) -> str:
    """The id in the address."""
    return driver.page.url.rpartition("/")[2]


async def test_a_question_whose_conversation_begins_late_stays_out_of_the_one_that_was_opened_meanwhile(
    ready: PageDriver, indexed: str
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    address = ready.page.url
    await ready.choose(indexed)
    may_begin = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_begin.wait()
        await route.continue_()

    await ready.page.route("**/api/v1/conversations", hold)
    async with ready.page.expect_request("**/api/v1/conversations"):
        await ready.ask("How are the routes matched?")
    await ready.page.locator(f"a.item[href='/c/{address.rpartition('/')[2]}']").click()
    await ready.until_complete()
    async with ready.page.expect_response("**/message?background=true") as posted:
        may_begin.set()
    assert address.rpartition("/")[2] not in (await posted.value).url
    assert ready.page.url == address
    await expect(
        ready.page.get_by_role("link", name=re.compile("How are the routes matched"))
    ).to_be_visible()
    await expect(ready.question).to_have_value("")
    await expect(questions_of(ready)).to_have_text([QUESTION])
    await ready.ask(OTHER_QUESTION)
    await expect(ready.answers).to_have_count(2)
    await ready.until_complete()
    await ready.page.reload()
    await expect(questions_of(ready)).to_have_text([QUESTION, OTHER_QUESTION])
    assert ready.page.url == address


async def test_what_was_asked_elsewhere_meanwhile_is_shown_before_the_own_question(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.click()
    other_tab = PageDriver(await ready.page.context.new_page(), ready.base_url)
    await other_tab.go(f"/c/{conversation_of(ready)}")
    await other_tab.until_complete()
    await other_tab.ask(OTHER_QUESTION)
    await expect(other_tab.answers).to_have_count(2)
    await other_tab.until_complete()
    third = "And how is it cleared?"
    await ready.ask(third)
    await expect(questions_of(ready)).to_have_text([QUESTION, OTHER_QUESTION, third])
    await expect(ready.question).to_have_value("")
    await expect(ready.question).to_be_focused()
    await ready.until_complete()
    await expect(ready.answers).to_have_count(3)
    await expect(ready.question).to_be_focused()


async def test_words_about_a_run_that_is_in_the_way_go_when_it_is_done(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    async with client_of(slow_stack.base_url, slow_stack.token) as client:
        for content in (OTHER_QUESTION, "And how is it cleared?"):
            message = (
                f"/api/v1/conversations/{conversation_of(ready)}/message?background=true&if_busy=enqueue"
            )
            (await client.post(message, json={"content": content})).raise_for_status()
    await ready.ask("And who checks it?")
    words = ready.page.get_by_role("main").get_by_role("alert")
    await expect(words).to_contain_text("A run is under way")
    await expect(ready.question).to_have_value("And who checks it?")
    await expect(words).to_be_hidden()
    ready.faults.clear()  # Chromium reports the refusal that the test asked for.


async def test_a_conversation_that_could_not_be_read_at_first_is_read_again(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.lose_at_first("**/info")
    await ready.page.reload()
    await expect(ready.page.get_by_role("button", name="Try again")).to_be_visible()
    await expect(ready.page.get_by_text("The conversation could not be loaded")).to_be_visible()
    await ready.page.get_by_role("button", name="Try again").focus()
    await expect(questions_of(ready)).to_have_text([QUESTION])
    await expect(ready.page.get_by_text("The conversation could not be loaded")).to_be_hidden()
    await expect(ready.question).to_be_focused()


async def test_nothing_is_regenerated_under_an_older_question_than_the_last(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    other_tab = PageDriver(await ready.page.context.new_page(), ready.base_url)
    await other_tab.go(f"/c/{conversation_of(ready)}")
    await other_tab.until_complete()
    await other_tab.ask(OTHER_QUESTION)
    await expect(other_tab.answers).to_have_count(2)
    await other_tab.until_complete()
    await ready.page.get_by_role("button", name="Regenerate").click()
    await expect(ready.page.get_by_role("alert")).to_contain_text("More was asked in it elsewhere")
    await expect(questions_of(ready)).to_have_text([QUESTION, OTHER_QUESTION])
    await ready.until_complete()
    await expect(ready.answers).to_have_count(2)
    await ready.page.get_by_role("button", name="Regenerate").click()
    await expect(ready.answers).to_have_count(3)
    await expect(ready.answers.last).to_contain_text("2 / 2")


async def test_who_was_shut_out_elsewhere_is_not_let_in_again_by_an_old_sheet(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    shares = f"/api/v1/conversations/{conversation_of(ready)}/shares"
    kept, removed = (f"{name}.{new_uuid().hex}@example.org" for name in ("kept", "removed"))
    async with client_of(slow_stack.base_url, slow_stack.token) as client:

        async def set_people(*emails: str) -> None:
            people = [{"email": email} for email in emails]
            (await client.put(shares, json={"people": people})).raise_for_status()

        async def people_now() -> set[tuple[str, str]]:
            return {(one["email"], one["role"]) for one in (await client.get(shares)).json()["people"]}

        await set_people(kept, removed)
        await ready.page.get_by_role("button", name="Share").click()
        sheet = ready.page.get_by_role("dialog", name="Share this conversation")
        people = sheet.get_by_role("list", name="People")
        await expect(people).to_contain_text(removed)
        await set_people(kept)
        await sheet.get_by_label(f"What {kept} may do").select_option("Can ask")
        await expect(people).not_to_contain_text(removed)
        assert await people_now() == {(kept, "ask")}
        await set_people(kept, removed)
        await ready.page.keyboard.press("Escape")
        await ready.page.get_by_role("button", name="Share").click()
        await expect(people).to_contain_text(removed)
        await set_people(kept)
        await sheet.get_by_label(f"What {removed} may do").select_option("Can ask")
        await expect(sheet.get_by_role("alert")).to_contain_text("shut out elsewhere")
        assert await people_now() == {(kept, "view")}
        await set_people(kept, removed)
        await sheet.get_by_role("button", name=f"Remove {kept}").click()
        await expect(people).not_to_contain_text(kept)
        assert await people_now() == {(removed, "view")}


async def remove_repository(stack: Stack, name: str) -> None:
    """Elsewhere."""
    async with client_of(stack.base_url, stack.token) as client:
        projects = (await client.get("/api/v1/projects/list")).json()
        (found,) = [project["id"] for project in projects if project["repo_name"] == name]
        (await client.delete(f"/api/v1/projects/{found}")).raise_for_status()


async def delete_conversation(stack: Stack, driver: PageDriver) -> None:
    """Elsewhere."""
    async with client_of(stack.base_url, stack.token) as client:
        (await client.delete(f"/api/v1/conversations/{conversation_of(driver)}")).raise_for_status()


@pytest.fixture
def passing(operator: RiverrunClient, tmp_path: Path) -> str:
    """The name of a repository of one file that somebody removes."""
    (tmp_path / "session.py").write_text(
        "def sign(cookie):\n    '''Sign the session cookie.'''\n    return cookie\n"
    )
    index_folder(operator, tmp_path)
    return tmp_path.name


async def test_a_conversation_that_is_deleted_elsewhere_while_it_is_answered_is_said_to_be_gone(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(10)
    await delete_conversation(slow_stack, ready)
    await expect(ready.page.get_by_role("heading", name="There is no such conversation")).to_be_visible()
    await expect(ready.page.get_by_role("button", name="Ask again")).to_have_count(0)
    await expect(ready.page.locator(".toast")).to_be_hidden()
    ready.faults.clear()  # Chromium reports the refusals that the test asked for.


async def test_a_question_into_a_conversation_that_was_deleted_elsewhere_is_kept(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await delete_conversation(slow_stack, ready)
    await ready.ask(OTHER_QUESTION)
    await expect(ready.page.get_by_role("heading", name="There is no such conversation")).to_be_visible()
    await expect(ready.page.locator(".toast")).to_be_hidden()
    await expect(ready.question).to_have_value(OTHER_QUESTION)
    ready.faults.clear()  # Chromium reports the refusals that the test asked for.


async def test_a_question_about_a_repository_that_was_removed_elsewhere_is_kept(
    page: PageDriver, slow_stack: Stack, indexed: str, passing: str
) -> None:
    await page.go()
    await page.choose(passing)
    await remove_repository(slow_stack, passing)
    await page.ask(QUESTION)
    await expect(page.page.get_by_role("alert")).to_contain_text(f"{passing} cannot be asked about")
    await expect(page.repository(passing)).to_have_count(0)
    await expect(page.question).to_have_value(QUESTION)
    page.faults.clear()  # Chromium reports the refusal that the test asked for.
    await page.choose(indexed)
    await page.question.press("Enter")
    await expect(page.answers).to_have_count(1)


async def test_a_citation_of_a_repository_that_was_removed_elsewhere_says_so(
    page: PageDriver, slow_stack: Stack, passing: str
) -> None:
    await page.go()
    await page.choose(passing)
    await page.ask("Where is the session cookie signed?")
    await page.until_complete()
    await remove_repository(slow_stack, passing)
    await page.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.click()
    await expect(page.panel).to_contain_text("This repository was removed")
    await expect(page.repository(passing)).to_have_count(0)
    await page.ask("And who checks it?")
    await expect(page.page.locator(".hint")).to_contain_text("was removed")
    page.faults.clear()  # Chromium reports the refusals that the test asked for.


async def test_words_about_a_stop_that_did_not_get_through_go_when_the_answer_is_there(
    ready: PageDriver,
) -> None:
    async def refuse(route: Route) -> None:
        await route.abort()

    await ready.page.route("**/stop", refuse)
    await ready.ask(QUESTION)
    await ready.until_written(10)
    await ready.page.get_by_role("button", name="Stop the answer").click()
    words = ready.page.get_by_role("main").get_by_role("alert")
    await expect(words).to_contain_text("The server cannot be reached")
    await ready.until_complete()
    await expect(words).to_be_hidden()
