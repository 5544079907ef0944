"""Refreshed pages, lost networks, restarted windows: exactly what was missed, and nothing twice."""

import os
import signal
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.support.fault_proxy import FaultProxy
from tests.support.page_driver import PageDriver

from riverrun.cli.client import RiverrunClient
from riverrun.cli.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"
LOST = "The connection is lost"


async def as_recorded(driver: PageDriver) -> str:
    """The answer as a page shows it that only read the record."""
    await driver.page.reload()
    return await driver.until_complete()


async def test_a_refresh_in_mid_answer_shows_the_same_answer_to_its_end(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    before = await ready.until_written(60)
    await ready.page.reload()
    await expect(ready.writing).to_have_count(1)
    assert (await ready.until_written(60))[:20] == before[:20]
    resumed = await ready.until_complete()
    await expect(ready.answers).to_have_count(1)
    assert ready.positions == ["0-0", "0-0"]
    assert await as_recorded(ready) == resumed


async def test_a_lost_network_is_told_and_made_good_from_the_position(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    await ready.page.context.set_offline(True)
    await expect(ready.page.get_by_text(LOST)).to_be_visible()
    await ready.page.context.set_offline(False)
    await expect(ready.page.get_by_text(LOST)).to_be_hidden()
    resumed = await ready.until_complete()
    assert ready.positions[0] == "0-0"
    assert all(seq_of(position) > 2 for position in ready.positions[1:])
    assert await as_recorded(ready) == resumed


async def test_an_answer_that_ends_while_the_network_is_lost_is_there_when_it_returns(
    ready: PageDriver,
) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    await ready.page.context.set_offline(True)
    await expect(ready.page.get_by_text(LOST)).to_be_visible()
    other = await PageDriver.open(ready.page.context.browser, ready.base_url)
    await other.page.context.add_cookies(await ready.page.context.cookies())
    await other.page.goto(ready.page.url)
    elsewhere = await other.until_complete()
    await other.close()
    await ready.page.context.set_offline(False)
    assert await ready.until_complete() == elsewhere


async def test_two_windows_show_the_same_answer(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    second = PageDriver(await ready.page.context.new_page(), ready.base_url)
    await second.page.goto(ready.page.url)
    await second.until_written(10)
    assert await second.until_complete() == await ready.until_complete()
    assert second.faults == []


async def test_a_killed_server_is_told_and_waited_for(ready: PageDriver, slow_stack: Stack) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    os.kill(slow_stack.pids["api"], signal.SIGKILL)
    await expect(ready.page.get_by_text(LOST)).to_be_visible()
    resumed = await ready.until_complete()
    assert all(seq_of(position) > 2 for position in ready.positions[1:])
    assert await as_recorded(ready) == resumed


async def test_a_killed_worker_costs_a_second_attempt_and_no_word_twice(
    ready: PageDriver, slow_stack: Stack
) -> None:
    await ready.ask(QUESTION)
    await ready.until_written(60)
    os.kill(slow_stack.pids["worker-chats"], signal.SIGKILL)
    resumed = await ready.until_complete()
    await expect(ready.answers).to_have_count(1)
    assert ready.positions == ["0-0"]
    assert await as_recorded(ready) == resumed


@pytest_asyncio.fixture(loop_scope="session")
async def behind_proxy(
    browser: Browser, slow_stack: Stack, indexed: str
) -> AsyncIterator[tuple[PageDriver, FaultProxy]]:
    """A signed-in window whose only way to the server can be cut."""
    link = urlsplit(slow_stack.sign_in_link())
    with FaultProxy(link.port) as proxy:
        driver = await PageDriver.open(browser, f"http://127.0.0.1:{proxy.port}")
        await driver.go(f"{link.path}?{link.query}")
        await driver.choose(indexed)
        yield driver, proxy
        await driver.close()


async def test_a_server_out_of_reach_costs_nothing_but_time(
    behind_proxy: tuple[PageDriver, FaultProxy],
) -> None:
    driver, proxy = behind_proxy
    await driver.ask(QUESTION)
    await driver.until_written(60)
    proxy.cut()
    await expect(driver.page.get_by_text(LOST)).to_be_visible()
    proxy.mend()
    resumed = await driver.until_complete()
    assert all(seq_of(position) > 2 for position in driver.positions[1:])
    assert await as_recorded(driver) == resumed
    assert driver.faults == []


async def test_a_question_that_finds_no_server_stays_in_the_box(
    behind_proxy: tuple[PageDriver, FaultProxy], operator: RiverrunClient
) -> None:
    driver, proxy = behind_proxy
    proxy.cut()
    await driver.ask(QUESTION)
    await expect(driver.page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    await expect(driver.question).to_have_value(QUESTION)
    proxy.mend()
    await driver.question.press("Enter")
    await driver.until_complete()
    await expect(driver.page.get_by_role("article", name="Question")).to_have_count(1)
    await expect(driver.question).to_have_value("")


def seq_of(position: str) -> int:
    return int(position.rpartition("-")[2])
