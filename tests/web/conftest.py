"""The page in a real browser, before the real stack."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import starlette
from playwright.async_api import Browser, async_playwright
from tests.support.chromium import find_chromium
from tests.support.indexing import index_folder
from tests.support.page_driver import FLAGS, PageDriver
from tests.support.stacks import open_stack

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack

LEASE_SECONDS = 5
"""How long a dead worker's run waits for another one."""

PIECE_DELAY_MS = 60
"""A built-in answer has some 30 pieces: it lasts two seconds, long enough for a person to do something meanwhile."""


@pytest.fixture(scope="session")
def slow_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose answers take their time."""
    folder = tmp_path_factory.mktemp("slow-stack")
    variables = {"RIVERRUN_EXTRACTIVE_DELAY_MS": PIECE_DELAY_MS, "RIVERRUN_LEASE_SECONDS": LEASE_SECONDS}
    with open_stack(folder, **variables) as stack:
        yield stack


@pytest.fixture(scope="session")
def operator(slow_stack: Stack) -> Iterator[RiverrunClient]:
    """The same account as the page's, over the API."""
    with RiverrunClient(ServerAddress(slow_stack.base_url, slow_stack.token)) as client:
        yield client


@pytest.fixture(scope="session")
def indexed(operator: RiverrunClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a repository that can be asked about: starlette's own source."""
    folder = tmp_path_factory.mktemp("indexed") / "starlette"
    source = Path(starlette.__file__).parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    index_folder(operator, folder)
    return folder.name


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each has a window of its own."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, slow_stack: Stack) -> AsyncIterator[PageDriver]:
    """A signed-in window. Whatever it throws or complains of fails the test."""
    driver = await PageDriver.open(browser, slow_stack.base_url)
    await driver.page.goto(slow_stack.sign_in_link())
    yield driver
    await driver.close()
    assert driver.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def ready(page: PageDriver, indexed: str) -> PageDriver:
    """The same, about to ask about the indexed repository."""
    await page.go()
    await page.choose(indexed)
    return page
