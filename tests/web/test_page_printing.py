"""The page on paper: the conversation, whole and dark on white, and nothing that lies over it."""

import pytest
from playwright.async_api import expect
from tests.support.page_driver import PageDriver

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG_QUESTION = "How does the session middleware sign its cookie?\n" + "More about it.\n" * 40
CUT = """() => [...document.querySelectorAll(".scroller, .question p, .title, pre.code, main, body")]
  .filter((node) => node.scrollHeight > node.clientHeight + 1 || node.scrollWidth > node.clientWidth + 1)
  .map((node) => node.className || node.localName)"""
FIXED = """() => [...document.querySelectorAll("body *")]
  .filter((node) => getComputedStyle(node).position === "fixed" && node.getClientRects().length)
  .map((node) => node.className)"""


@pytest.mark.parametrize("width", [1280, 700])
async def test_the_whole_conversation_is_printed_and_nothing_over_it(ready: PageDriver, width: int) -> None:
    await ready.ask(LONG_QUESTION)
    await ready.until_complete()
    await ready.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.click()
    await ready.page.emulate_media(media="print")
    await ready.page.set_viewport_size({"width": width, "height": 900})
    for covering in (".dock", ".skip-link", ".sidebar", ".panel", ".answer-foot", ".share", ".menu"):
        await expect(ready.page.locator(covering)).to_be_hidden()
    assert await ready.page.evaluate(FIXED) == []
    assert await ready.page.evaluate(CUT) == []
    await expect(ready.answers.last.locator(".prose")).to_be_visible()


async def test_a_dark_page_is_printed_dark_on_white(ready: PageDriver) -> None:
    await ready.ask("How does the session middleware sign its cookie?")
    await ready.until_complete()
    await ready.page.emulate_media(media="print", color_scheme="dark")
    for chosen in ("dark", "light", ""):
        await ready.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", chosen)
        await expect(ready.page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        await expect(ready.answers.last.locator(".prose")).to_have_css("color", "rgb(29, 36, 39)")
