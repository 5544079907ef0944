"""The page for every hand and eye: keyboard alone, narrow screens, light and dark."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tests.support.page_driver import PageDriver

from riverrun.cli.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "How does the session middleware sign its cookie?"


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(browser: Browser, slow_stack: Stack, indexed: str) -> AsyncIterator[PageDriver]:
    """A signed-in window of a small telephone."""
    viewport = {"width": 360, "height": 640}
    driver = await PageDriver.open(browser, slow_stack.base_url, viewport=viewport, has_touch=True)
    await driver.page.goto(slow_stack.sign_in_link())
    yield driver
    await driver.close()
    assert driver.faults == []


async def focused(page: PageDriver) -> str:
    """The accessible words of what the keyboard is on; none of the page as a whole."""
    return str(
        await page.page.evaluate(
            "document.activeElement === document.body ? '' :"
            " (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
        )
    )


async def tab_to(page: PageDriver, words: str) -> list[str]:
    """Press Tab until the keyboard is on something with these words; on what it was, to it."""
    seen = []
    for _ in range(150):  # thirty conversations have three stops each
        await page.page.keyboard.press("Tab")
        seen.append(await focused(page))
        if words in seen[-1]:
            return seen
    raise AssertionError(f"Tab never came to {words!r}, but to {seen}")


async def test_the_keyboard_alone_asks_opens_a_source_and_comes_back(ready: PageDriver) -> None:
    await ready.page.locator("body").click(position={"x": 700, "y": 300})
    await ready.page.keyboard.press("/")
    await expect(ready.question).to_be_focused()
    await ready.page.keyboard.type("How does the session")
    await ready.page.keyboard.press("Shift+Enter")
    await ready.page.keyboard.type("middleware sign its cookie?")
    await ready.page.keyboard.press("Enter")
    await ready.until_complete()
    await expect(ready.page.get_by_role("article", name="Question")).to_have_text(
        "How does the session\nmiddleware sign its cookie?"
    )
    await ready.page.evaluate("document.activeElement.blur()")
    await tab_to(ready, "Skip to the conversation")
    await ready.page.keyboard.press("Enter")
    assert "New question" not in await tab_to(ready, "Open middleware/sessions.py")
    await ready.page.keyboard.press("Enter")
    await expect(ready.panel).to_be_visible()
    await ready.page.keyboard.press("Escape")
    await expect(ready.panel).to_be_hidden()
    assert "Open middleware/sessions.py" in await focused(ready)


async def test_the_keyboard_alone_reaches_every_deed_of_the_sidebar(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.page.evaluate("document.activeElement.blur()")
    for words in (
        "Change the theme",
        "New question",
        "Add a repository",
        "starlette",
        "Index what changed",
        "Remove the repository",
        QUESTION,
        "Rename",
        "Delete",
        "Sign out",
    ):
        await tab_to(ready, words)


async def test_what_happens_is_said_to_screen_readers(ready: PageDriver) -> None:
    status = ready.page.get_by_role("status")
    await ready.ask(QUESTION)
    await expect(status).to_have_text("The answer is being written.")
    await ready.until_complete()
    await expect(status).to_have_text("The answer is complete.")


async def test_nothing_is_wider_than_a_small_telephone(narrow: PageDriver, indexed: str) -> None:
    await expect(narrow.question).to_be_visible()
    assert await narrow.width_of_content() == 360
    menu = narrow.page.get_by_role("button", name="Show repositories and conversations")
    await menu.click()
    await expect(narrow.page.get_by_role("button", name="New question")).to_be_focused()
    assert await narrow.width_of_content() == 360
    await narrow.choose(indexed)
    await expect(narrow.page.get_by_role("navigation")).to_be_hidden()
    await narrow.ask(f"{QUESTION} {'unbroken' * 40}")
    await narrow.until_complete()
    assert await narrow.width_of_content() == 360
    main = narrow.page.get_by_role("main")
    assert await main.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert await main.locator(".scroller").evaluate("node => node.scrollWidth <= node.clientWidth")
    await narrow.answers.last.get_by_role("list", name="Sources").get_by_role("button").first.click()
    await expect(narrow.panel).to_be_visible()
    box = await narrow.panel.bounding_box()
    assert (box["x"], box["width"]) == (0, 360)
    assert await narrow.width_of_content() == 360
    await narrow.page.get_by_role("button", name="Close").click()
    await expect(narrow.panel).to_be_hidden()


async def test_the_drawer_closes_by_escape_and_takes_no_focus_then(narrow: PageDriver) -> None:
    menu = narrow.page.get_by_role("button", name="Show repositories and conversations")
    await menu.click()
    await narrow.page.keyboard.press("Escape")
    await expect(menu).to_be_focused()
    await expect(menu).to_have_attribute("aria-expanded", "false")
    assert await narrow.page.locator("#sidebar").evaluate("node => node.inert")


async def test_dark_follows_the_system_and_a_choice_is_remembered(ready: PageDriver) -> None:
    assert await brightness(ready) > 200
    await ready.page.emulate_media(color_scheme="dark")
    assert await brightness(ready) < 60
    theme = ready.page.get_by_role("button", name="Change the theme")
    await theme.click()
    await theme.click()
    assert await brightness(ready) > 200
    await ready.page.reload()
    await expect(ready.question).to_be_visible()
    assert await brightness(ready) > 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out_from_their_ground(ready: PageDriver, scheme: str) -> None:
    await ready.page.emulate_media(color_scheme=scheme)
    await ready.ask(QUESTION)
    await ready.until_complete()
    contrasts = await ready.page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    assert {words: ratio for words, ratio in contrasts.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_code_of_every_colour_stands_out_from_a_cited_line(page: PageDriver, scheme: str) -> None:
    await page.page.emulate_media(color_scheme=scheme)
    await expect(page.question).to_be_visible()
    await page.page.evaluate(CITED_LINE)
    contrasts = await page.page.evaluate(CONTRASTS)
    cited = {words: ratio for words, ratio in contrasts.items() if words.startswith("cited ")}
    assert len(cited) == 9
    assert {words: ratio for words, ratio in cited.items() if ratio < 4.5} == {}


async def row_of_a_conversation(ready: PageDriver) -> Locator:
    """The sidebar's row of a new conversation, which is open."""
    await ready.ask(QUESTION)
    await ready.until_complete()
    row = ready.page.locator("li", has=ready.page.locator(f"a[href='{urlsplit(ready.page.url).path}']"))
    await expect(row).to_be_visible()
    return row


async def test_after_renaming_the_keyboard_is_where_it_was(ready: PageDriver) -> None:
    row = await row_of_a_conversation(ready)
    for ending in ("Escape", "Enter"):
        await row.hover()
        await row.get_by_role("button", name="Rename").click()
        await ready.page.mouse.move(700, 300)
        await ready.page.keyboard.type("Another name")
        await ready.page.keyboard.press(ending)
        await expect(ready.page.get_by_role("dialog")).to_have_count(0)
        await expect(row.get_by_role("button", name="Rename")).to_be_focused()
    await expect(row).to_contain_text("Another name")
    await expect(row.get_by_role("button", name="Rename")).to_be_focused()


async def test_after_deleting_the_keyboard_is_on_the_next_conversation(
    ready: PageDriver, indexed: str
) -> None:
    older = await row_of_a_conversation(ready)
    await ready.choose(indexed)
    row = await row_of_a_conversation(ready)
    await older.locator("a").click()
    await ready.until_complete()
    await row.hover()
    await row.get_by_role("button", name="Delete").click()
    await ready.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(row).to_have_count(0)
    await expect(ready.page.locator(":focus")).to_have_attribute("href", re.compile("^/c/"))


async def test_on_the_way_to_another_answer_the_keyboard_stays_on_the_steps(ready: PageDriver) -> None:
    await ready.ask(QUESTION)
    await ready.until_complete()
    await ready.page.get_by_role("button", name="Regenerate").click()
    await expect(ready.answers.last).to_contain_text("2 / 2")
    await ready.page.get_by_role("button", name="Previous answer").press("Enter")
    await expect(ready.answers.last).to_contain_text("1 / 2")
    await expect(ready.page.get_by_role("button", name="Next answer")).to_be_focused()


async def brightness(page: PageDriver) -> float:
    """The ground's mean of red, green and blue."""
    colour = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    channels = [float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(channels[:3]) / 3


CITED_LINE = """() => {
  const line = document.createElement("span");
  line.className = "line cited";
  for (const name of ["k", "m", "nc", "nf", "s", "c", "cp", "gd", "plain"]) {
    const word = document.createElement("span");
    word.className = name === "plain" ? "" : name;
    word.textContent = `cited ${name}`;
    line.append(word);
  }
  const source = document.createElement("pre");
  source.className = "source";
  source.append(line);
  document.querySelector("main").append(source);
}"""


CONTRASTS = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim();
    if (!words || !node.checkVisibility({ visibilityProperty: true }) || node.closest(".visually-hidden, script, button:disabled")) continue;
    const [a, b] = [light(channels(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    found[words.slice(0, 60)] = (a + 0.05) / (b + 0.05);
  }
  return found;
}"""
