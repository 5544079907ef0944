"""A browser of flesh and blood goes to a real provider from the page, and comes back signed in."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.support.oidc_peers import OidcPeer
from tests.support.page_driver import PageDriver

from riverrun.cli.stack import Stack
from riverrun.infra.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="session")
def sso_stack(tmp_path_factory: pytest.TempPathFactory, first_peer: OidcPeer) -> Iterator[Stack]:
    """A stack that knows one provider, and takes whoever comes by it."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("sso-stack"),
        port=0,
        oidc_providers={"first": first_peer.client(label="First & Co")},
        allowed_hosts=frozenset({first_peer.host}),
        sign_up="open",
    )
    with Stack(settings) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def driver(browser: Browser, sso_stack: Stack) -> AsyncIterator[PageDriver]:
    driver = await PageDriver.open(browser, sso_stack.base_url)
    yield driver
    await driver.close()


async def sign_in_at_the_peer(page: Page, name: str) -> None:
    """Fill in its pages: who one is, and that we may know it."""
    await page.get_by_role("link", name="Sign in with First & Co").click()
    await page.locator("input[name=login]").fill(name)
    await page.locator("input[name=password]").fill("any")
    await page.locator("button[type=submit]").click()
    await page.locator("form:has(input[value=consent]) button[type=submit]").click()


async def test_somebody_goes_to_the_provider_and_comes_back_signed_in(driver: PageDriver) -> None:
    await driver.go()
    await sign_in_at_the_peer(driver.page, "ann")
    await expect(driver.page.get_by_role("button", name="ann of the peer")).to_be_visible()
    assert driver.page.url == f"{driver.base_url}/"
    await driver.page.reload()
    await expect(driver.page.get_by_role("button", name="ann of the peer")).to_be_visible()


async def test_who_is_refused_is_told_why_at_the_door(driver: PageDriver) -> None:
    await driver.go()
    await sign_in_at_the_peer(driver.page, "unverified-bob")
    await expect(driver.page.get_by_role("alert").first).to_contain_text("e-mail address is verified")
    await expect(driver.page.get_by_role("link", name="Sign in with First & Co")).to_be_visible()


async def test_who_changes_their_mind_at_the_provider_is_at_the_door_again(driver: PageDriver) -> None:
    await driver.go()
    await driver.page.get_by_role("link", name="Sign in with First & Co").click()
    await driver.page.get_by_role("link", name="Cancel").click()
    await expect(driver.page.get_by_role("alert").first).to_contain_text("begin once more")
    assert driver.page.url == f"{driver.base_url}/"
