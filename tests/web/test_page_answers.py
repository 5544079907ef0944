"""How an answer is shown: rendered without haste, followed to its end, and hiding nothing."""

import pytest
from playwright.async_api import expect
from tests.support.page_driver import PageDriver
from tests.support.page_modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RENDERING = """
  const { Answer } = await load("answer.js");
  const asked = [];
  const fetch = globalThis.fetch;
  globalThis.fetch = (path, ...rest) => {
    if (path.endsWith("/markdown")) asked.push(path);
    return fetch(path, ...rest);
  };
  const text = Array.from({ length: 60 }, (_, number) => `Paragraph *${number}*.\\n\\n`).join("");
  const fold = { text, thinking: "", tools: [], citations: [], isStarted: true };
  const answer = new Answer({});
  document.body.append(answer.node);
  answer.showProgress(fold);
  while (!asked.length) await null;
"""

KEEPING = """
  const { EndKeeper } = await load("end_keeper.js");
  const content = document.createElement("div");
  const grow = (pixels) => {
    const block = document.createElement("div");
    block.style.height = `${pixels}px`;
    content.append(block);
  };
  const frames = async () => {
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
  };
  const keeper = new EndKeeper(content);
  const { scroller, button } = keeper;
  scroller.style.height = "300px";
  document.body.append(scroller);
  const distance = () => Math.round(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight);
  grow(2000);
  await frames();
"""

READING = """
  const { showMarkdown } = await load("prose.js");
  const node = document.createElement("div");
  node.className = "prose";
  document.body.append(node);
  await showMarkdown(node, argument);
  const leftOf = (letter) => {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const at = walker.currentNode.data.indexOf(letter);
      if (at === -1) continue;
      const range = new Range();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + 1);
      return range.getBoundingClientRect().left;
    }
  };
  const lefts = [..."AZBY"].map(leftOf);
  const inOrder = lefts.every((left, index) => index === 0 || left > lefts[index - 1]);
  const widths = [...node.querySelectorAll(".bidi")].map((mark) => mark.getBoundingClientRect().width > 20);
"""


async def test_blocks_that_wait_at_the_end_are_rendered_with_the_whole(page: PageDriver) -> None:
    shown = await run(
        page,
        RENDERING
        + """
      await answer.showWhole(fold, { status: "completed" });
      return { requests: asked.length, rendered: answer.node.querySelectorAll(".prose p > em").length,
               isWriting: answer.node.classList.contains("writing") };
    """,
    )
    assert shown == {"requests": 2, "rendered": 60, "isWriting": False}


async def test_a_reader_at_the_end_stays_there_when_much_comes_at_once(page: PageDriver) -> None:
    """What grows after a frame, before the scrolling in it is told of, is no going up of the reader's."""
    distances = await run(
        page,
        KEEPING
        + """
      grow(300);
      await new Promise(setTimeout);
      grow(700);
      await frames();
      return [distance(), button.hidden];
    """,
    )
    assert distances == [0, True]


async def test_a_reader_who_goes_up_stays_there_and_one_who_comes_back_is_taken_along(
    page: PageDriver,
) -> None:
    steps = await run(
        page,
        KEEPING
        + """
      const steps = [];
      scroller.scrollTop -= 400;
      await frames();
      grow(700);
      await frames();
      steps.push([distance(), button.hidden]);
      scroller.scrollTop += 300;
      await frames();
      grow(100);
      await frames();
      steps.push([distance(), button.hidden]);
      button.click();
      grow(700);
      await frames();
      steps.push([distance(), button.hidden]);
      return steps;
    """,
    )
    assert steps == [[1100, False], [900, False], [0, True]]


@pytest.mark.parametrize("frame", ["{}", "`{}`", "```python\n{}\n```", "[{}.py:1-2]"])
@pytest.mark.parametrize("turned", ["A\u202eZBY", "A\u202eZ\u2066B\u2069Y", "A\u2069\u202e\u2067ZB\u202cY"])
async def test_no_character_turns_the_order_of_what_is_read(
    page: PageDriver, frame: str, turned: str
) -> None:
    shown = await run(
        page,
        READING + "return { inOrder, widths, text: node.textContent.trim() };",
        frame.format(turned),
    )
    hidden = sum(not letter.isascii() for letter in turned)
    assert shown["inOrder"]
    assert shown["widths"] == [True] * hidden
    assert turned in shown["text"]


FORGED = "src/\u202egpj.py"
"""Where the character has its way, the end of this name is read as `yp.jpg`."""


async def test_no_character_turns_the_name_of_a_cited_file_round(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { citationButton } = await load("prose.js");
      const { SourcePanel } = await load("source_panel.js");
      const { projectName } = await load("words.js");
      const place = { repo: "a\\u2066b", path: argument, start_line: 1, end_line: 2 };
      const opened = [];
      const chip = citationButton(place, (one) => opened.push(one.path), true);
      chip.click();
      const panel = new SourcePanel({ projectOf: () => null, onToggle: () => {} });
      await panel.open(place, null);
      return { chip: chip.textContent, title: chip.title, label: chip.ariaLabel, opened,
               heading: panel.node.querySelector("h2").textContent, project: projectName({ repo_name: "a\\u200fb", branch_name: "" }) };
    """,
        FORGED,
    )
    assert shown == {
        "chip": "a[U+2066]b:[U+202E]gpj.py:1-2",
        "title": "a[U+2066]b:src/[U+202E]gpj.py:1-2",
        "label": "Open a[U+2066]b:src/[U+202E]gpj.py:1-2",
        "opened": [FORGED],
        "heading": "src/[U+202E]gpj.py:1-2",
        "project": "a[U+200F]b",
    }


async def test_no_character_turns_round_what_the_agent_did(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { Activity } = await load("activity.js");
      const activity = new Activity();
      const tool = { call_id: "c", name: "read_file", arguments: { path: argument }, result: argument };
      activity.update([tool], `I read ${argument}.`);
      return ["summary code", "pre", ".thinking"].map((part) => activity.node.querySelector(part).textContent);
    """,
        FORGED,
    )
    assert shown == [
        'read_file(path="src/[U+202E]gpj.py")',
        "src/[U+202E]gpj.py",
        "I read src/[U+202E]gpj.py.",
    ]


async def test_no_character_turns_a_question_round_and_arabic_stays_as_it_was_written(
    page: PageDriver,
) -> None:
    shown = await run(
        page,
        """
      const { Turns } = await load("turns.js");
      const turns = new Turns({ namesRepos: () => false });
      turns.append(argument, "id");
      return turns.node.querySelector(".question").textContent;
    """,
        "What is \u202egpj.py, \u0633\u0624\u0627\u0644\u200f?",
    )
    assert shown == "What is [U+202E]gpj.py, \u0633\u0624\u0627\u0644\u200f?"


async def test_markdown_that_could_not_be_rendered_at_first_is_rendered_later(ready: PageDriver) -> None:
    await ready.ask("How does the session middleware sign its cookie?")
    await ready.until_complete()
    await ready.lose_at_first("**/api/v1/markdown")
    await ready.page.reload()
    await expect(ready.answers.last.locator(".prose > .plain")).to_contain_text("[")
    await expect(ready.answers.last.locator(".prose > .plain")).to_have_count(0)
    await expect(ready.answers.last.locator(".prose button.citation").first).to_be_visible()


async def test_markdown_that_is_refused_stays_plain_and_is_not_asked_again(page: PageDriver) -> None:
    shown = await run(
        page,
        """
      const { showMarkdown } = await load("prose.js");
      const statuses = [503, 413];
      const timers = [];
      // The page around goes on asking and waiting for what it needs itself.
      const { fetch, setTimeout } = globalThis;
      const isMarkdown = (path) => String(path).endsWith("/markdown");
      const refused = () => new Response("{}", { status: statuses.shift() });
      globalThis.fetch = async (path, ...more) => (isMarkdown(path) ? refused() : fetch(path, ...more));
      globalThis.setTimeout = (later, ms, ...more) => (ms === 4000 ? timers.push(later) : setTimeout(later, ms, ...more));
      const node = document.createElement("div");
      node.append("**plain**");
      document.body.append(node);
      const waiting = [];
      await showMarkdown(node, "**plain**");
      waiting.push(timers.length);
      timers.shift()();
      await new Promise(requestAnimationFrame);
      while (statuses.length) await null;
      await new Promise(requestAnimationFrame);
      waiting.push(timers.length);
      return { waiting, text: node.textContent };
    """,
    )
    assert shown == {"waiting": [1, 0], "text": "**plain**"}
