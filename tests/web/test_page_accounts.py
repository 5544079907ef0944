"""Accounts at the page: made by an invitation, opened by a password, looked after by their owners."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.support.page_driver import PageDriver

from riverrun.auth.account_administration import AccountAdministration
from riverrun.auth.identity_links import PendingProviderLink
from riverrun.auth.models import TokenKind
from riverrun.auth.page_links import Errand, link_to
from riverrun.auth.statements import insert_token_of_address
from riverrun.auth.tokens import new_token, token_hash
from riverrun.cli.running_stack import with_running_servers
from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.users.models import User

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "a long walk by the river"
_numbers = count(1)


@pytest.fixture
def email() -> str:
    """An address that no other test uses."""
    return f"person{next(_numbers)}@example.org"


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(browser: Browser, slow_stack: Stack) -> AsyncIterator[PageDriver]:
    """A window where nobody is signed in."""
    driver = await PageDriver.open(browser, slow_stack.base_url)
    yield driver
    await driver.close()
    refusals = re.compile(r"responded with a status of (401|403|404|409|422)")
    assert [fault for fault in driver.faults if not refusals.search(fault)] == []


@contextmanager
def transaction_of(stack: Stack) -> Iterator[Session]:
    """On the stack's database, as the operator has it."""
    settings, _ = with_running_servers(Settings(_env_file=None, data_dir=stack.settings.data_dir))
    engine = open_engine(settings.require_database_url(), pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            yield session
    finally:
        engine.dispose()


def link_for(stack: Stack, email: str, errand: Errand) -> str:
    """A link that the operator makes on the server's machine."""
    with transaction_of(stack) as session:
        accounts = AccountAdministration(session)
        make = {Errand.INVITATION: accounts.invite, Errand.PASSWORD_RESET: accounts.offer_password_reset}
        return link_to(stack.base_url, errand, make[errand](email))


def verification_link(stack: Stack, email: str) -> str:
    """What the mail would say."""
    token = new_token()
    lifetime = timedelta(hours=1)
    with transaction_of(stack) as session:
        session.execute(insert_token_of_address(email, TokenKind.EMAIL_VERIFICATION, token, lifetime))
    return link_to(stack.base_url, Errand.EMAIL_VERIFICATION, token)


def linking_link(stack: Stack, email: str) -> str:
    """Where a browser is sent that came by a provider, with the address of an account that does not know it."""
    token = new_token()
    with transaction_of(stack) as session:
        session.add(
            PendingProviderLink(
                user_id=session.scalars(select(User.id).where(User.email == email)).one(),
                provider_type="sso_google",
                provider_uid=email,
                token_hash=token_hash(token),
                expires_at=now() + timedelta(minutes=15),
            )
        )
    return link_to(stack.base_url, Errand.LINKING, token)


async def make_account(page: Page, stack: Stack, email: str) -> None:
    await page.goto(link_for(stack, email, Errand.INVITATION))
    await expect(page.get_by_role("heading", name="Make your account")).to_be_visible()
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Name").fill("Ann of the page")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()
    await expect(page.get_by_role("button", name="Ann of the page")).to_be_visible()


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_somebody_who_was_invited_makes_an_account_and_comes_back_by_password(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    assert await page.evaluate("location.hash") == ""
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, email, "not the password")
    await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    await expect(page.get_by_label("E-mail")).to_have_value(email)
    await sign_in(page, email, PASSWORD)
    await expect(page.get_by_role("button", name="Ann of the page")).to_be_visible()


async def test_a_weak_password_is_refused_in_words_and_nothing_typed_is_lost(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    await page.goto(link_for(slow_stack, email, Errand.INVITATION))
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill("password1")
    await page.get_by_role("button", name="Make the account").click()
    await expect(page.get_by_role("alert")).to_contain_text("one of the commonest")
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.get_by_label("E-mail")).to_have_value(email)


async def test_a_reset_link_sets_a_new_password_and_signs_out_everywhere(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    link = link_for(slow_stack, email, Errand.PASSWORD_RESET)
    await page.evaluate("link => { location.href = link; }", link)  # only what is behind the # is new
    await page.get_by_label("New password").fill("another walk by the sea")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(page, email, "another walk by the sea")
    await expect(page.get_by_role("button", name="Ann of the page")).to_be_visible()
    await page.evaluate("link => { location.href = link; }", link)
    await page.get_by_label("New password").fill("a third walk in the hills")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_role("alert")).to_contain_text("used already")


async def test_an_address_is_verified_by_its_link(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    link = verification_link(slow_stack, email)
    await page.evaluate("link => { location.href = link; }", link)
    await expect(page.get_by_role("heading", name="Your address is verified")).to_be_visible()
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("button", name="Ann of the page")).to_be_visible()
    await page.evaluate("link => { location.href = link; }", link)
    await expect(page.get_by_text("used already")).to_be_visible()


async def test_an_address_is_verified_by_who_signs_in_to_its_account(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    await page.get_by_role("button", name="Sign out").click()
    await page.evaluate("link => { location.href = link; }", verification_link(slow_stack, email))
    await expect(page.get_by_text("somebody else has")).to_be_visible()
    await page.reload()  # as who goes to another provider and comes back
    await expect(page.get_by_text("somebody else has")).to_be_visible()
    await sign_in(page, email, PASSWORD)
    await expect(page.get_by_role("heading", name="Your address is verified")).to_be_visible()


@pytest.mark.parametrize(("answer", "ways"), [("Yes, link it", 2), ("Cancel", 1)])
async def test_an_identity_is_linked_by_the_owners_word_alone(
    stranger: PageDriver, slow_stack: Stack, email: str, answer: str, ways: int
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    await page.get_by_role("button", name="Sign out").click()
    await page.evaluate("link => { location.href = link; }", linking_link(slow_stack, email))
    await expect(page.get_by_text("has an account here already")).to_be_visible()
    await sign_in(page, email, PASSWORD)
    await page.get_by_role("dialog", name="Was it you?").get_by_role("button", name=answer).click()
    await page.get_by_role("button", name="Ann of the page").click()
    sheet = page.get_by_role("dialog", name="Your account")
    await expect(sheet.get_by_role("button", name=re.compile("^Unlink: "))).to_have_count(ways)


async def test_who_was_refused_after_a_provider_is_told_why_at_the_door(
    stranger: PageDriver, slow_stack: Stack
) -> None:
    await stranger.page.goto(link_to(slow_stack.base_url, Errand.REFUSED, "sign-up-refused"))
    await expect(stranger.page.get_by_role("alert")).to_contain_text("ask an administrator")
    await expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await stranger.page.evaluate("location.hash") == ""


async def test_each_identity_provider_has_a_link_that_leads_back(
    stranger: PageDriver, slow_stack: Stack
) -> None:
    """The provider is outside: the server's list of providers is answered in its place."""
    listed = [{"name": "okta", "label": "Okta", "start_path": "/api/v1/sso/okta/start"}]
    await stranger.page.route("**/api/v1/sso/providers", lambda route: route.fulfill(json=listed))
    await stranger.page.goto(f"{slow_stack.base_url}/c/01990000-0000-7000-8000-000000000000")
    link = stranger.page.get_by_role("link", name="Sign in with Okta")
    back = "%2Fc%2F01990000-0000-7000-8000-000000000000"
    await expect(link).to_have_attribute("href", f"/api/v1/sso/okta/start?next={back}")


async def test_the_owner_looks_after_password_sessions_and_keys(
    stranger: PageDriver, slow_stack: Stack, email: str, browser: Browser
) -> None:
    page = stranger.page
    await make_account(page, slow_stack, email)
    other = await PageDriver.open(browser, slow_stack.base_url)
    await other.go()
    await sign_in(other.page, email, PASSWORD)
    await expect(other.page.get_by_role("button", name="Ann of the page")).to_be_visible()

    await page.get_by_role("button", name="Ann of the page").click()
    sheet = page.get_by_role("dialog", name="Your account")
    await expect(sheet).to_contain_text(email)
    await sheet.get_by_role("button", name=re.compile("^Sign out: ")).click()
    await expect(sheet.get_by_role("button", name=re.compile("^Sign out: "))).to_have_count(0)
    await other.page.reload()
    await expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await other.close()

    await sheet.get_by_label("What is the key for?").fill("a nightly job")
    await sheet.get_by_role("button", name="Make a key").click()
    await expect(sheet.get_by_role("status").get_by_text(re.compile("^sk-[0-9a-f]{64}$"))).to_be_visible()
    await sheet.get_by_role("button", name="Revoke: a nightly job").click()
    await expect(sheet.get_by_role("listitem").filter(has_text="a nightly job")).to_have_count(0)

    await sheet.get_by_role("button", name="Unlink: Password").click()
    await expect(sheet.get_by_role("alert").get_by_text("only way in")).to_be_visible()
    await sheet.get_by_label("Present password").fill(PASSWORD)
    await sheet.get_by_label("New password").fill("another walk by the sea")
    await sheet.get_by_role("button", name="Change the password").click()
    await expect(
        sheet.get_by_role("paragraph").filter(has_text="You are signed out everywhere else.")
    ).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)


async def test_an_administrator_invites_and_takes_back(page: PageDriver, email: str) -> None:
    await page.page.get_by_role("button", name="Administrator", exact=True).click()
    sheet = page.page.get_by_role("dialog", name="Your account")
    await sheet.get_by_label("E-mail").fill(email)
    await sheet.get_by_role("button", name="Invite", exact=True).click()
    await expect(sheet.get_by_text(re.compile(r"/#invitation=rr_"))).to_be_visible()
    await sheet.get_by_role("button", name=f"Take back: {email}").click()
    await expect(sheet.get_by_role("button", name=f"Take back: {email}")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_account_fits_a_small_telephone(
    browser: Browser, slow_stack: Stack, email: str, scheme: str
) -> None:
    viewport = {"width": 360, "height": 640}
    driver = await PageDriver.open(browser, slow_stack.base_url, viewport=viewport, color_scheme=scheme)
    await driver.page.goto(slow_stack.sign_in_link())
    await driver.page.get_by_role("button", name="Show repositories and conversations").click()
    await driver.page.get_by_role("button", name="Administrator", exact=True).click()
    sheet = driver.page.get_by_role("dialog", name="Your account")
    await expect(sheet).to_be_visible()
    assert await driver.width_of_content() == 360
    assert await sheet.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert (await sheet.bounding_box())["width"] == 360
    await driver.close()
    assert driver.faults == []


async def test_what_was_typed_is_there_again_for_who_comes_back_and_for_nobody_else(
    stranger: PageDriver, slow_stack: Stack, email: str
) -> None:
    page = stranger.page
    other = f"other.{email}"
    await make_account(page, slow_stack, other)
    await page.context.clear_cookies()
    await make_account(page, slow_stack, email)
    await stranger.question.fill("half a thought")
    for back, text in ((email, "half a thought"), (other, "")):
        await page.get_by_role("button", name="Ann of the page").click()
        sheet = page.get_by_role("dialog", name="Your account")
        await sheet.get_by_label("What is the key for?").fill("anything")
        await page.context.clear_cookies()
        await sheet.get_by_role("button", name="Make a key").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await sign_in(page, back, PASSWORD)
        await expect(stranger.question).to_have_value(text)
