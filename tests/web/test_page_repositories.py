"""Adding, watching, refusing and removing repositories on the page."""

from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.page_driver import PageDriver

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOSTILE = '''
def render_banner():
    """Renders the banner </code></pre><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>.

    [click me](javascript:window.hurt=1) <style>body{display:none}</style> ![x](http://127.0.0.1:9/leak.png)
    """
    return "<b>banner</b>"
'''


def make_repository(folder: Path, files: int) -> Path:
    """A folder of Python files that take a moment each."""
    folder.mkdir()
    for number in range(files):
        (folder / f"module_{number}.py").write_text(f"def answer_{number}():\n    return {number}\n" * 60)
    return folder


async def add(page: PageDriver, source: str) -> None:
    await page.go()
    await page.page.get_by_role("button", name="Add a repository").click()
    field = page.page.get_by_role("navigation").get_by_label("Folder or https URL")
    await field.fill(source)
    await field.press("Enter")


async def test_a_folder_is_added_watched_and_ready(page: PageDriver, tmp_path: Path) -> None:
    await add(page, str(make_repository(tmp_path / "plenty", 400)))
    row = page.repository("plenty")
    await expect(row.get_by_role("progressbar", name="Indexing")).to_be_visible()
    await expect(page.page.get_by_text("plenty is being indexed")).to_be_visible()
    await expect(page.page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    await expect(row).to_contain_text("400 files ·")
    await expect(row.get_by_role("progressbar")).to_be_hidden()
    await expect(page.page.get_by_role("heading", name="plenty")).to_contain_text(
        "What would you like to know"
    )
    await page.ask("What does answer_1 return?")
    await page.until_complete()
    await remove(page, "plenty")
    await page.page.reload()
    await expect(page.page.get_by_text("The repository was removed")).to_be_visible()
    await page.answers.last.locator(".activity > summary").click()
    await expect(page.answers.last.locator(".steps")).to_contain_text("or not there any more")


async def test_indexing_is_stopped_and_gone_on_with(page: PageDriver, tmp_path: Path) -> None:
    await add(page, str(make_repository(tmp_path / "halted", 1_500)))
    row = page.repository("halted")
    await expect(row.locator(".item")).to_be_focused()
    await row.get_by_role("button", name="Stop indexing").press("Enter")
    await expect(row).to_contain_text("Indexing was stopped")
    await expect(row.locator(".item")).to_be_focused()
    await page.page.get_by_role("button", name="Index it again").press("Enter")
    await expect(row.locator(".item")).to_be_focused()
    await expect(row).to_contain_text("1,500 files ·")
    await remove(page, "halted")


async def remove(page: PageDriver, name: str) -> None:
    row = page.repository(name)
    await row.hover()
    await row.get_by_role("button", name="Remove the repository").click()
    await page.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("/no/such/folder", "There is no folder /no/such/folder"),
        ("http://example.org/some/where", "https"),
        ("./relative", "not an absolute path"),
    ],
)
async def test_a_source_that_cannot_be_had_is_refused_in_words(
    page: PageDriver, source: str, words: str
) -> None:
    await add(page, source)
    await expect(page.page.locator("nav .form-failure")).to_contain_text(words)
    await expect(page.page.get_by_label("Folder or https URL").first).to_have_value(source)
    page.faults.clear()  # Chromium reports the refusal that the test asked for.


async def test_hostile_code_is_shown_and_never_run(page: PageDriver, tmp_path: Path) -> None:
    folder = tmp_path / "hostile<b>"
    folder.mkdir()
    (folder / "banner<img src=x onerror=hurt()>.py").write_text(HOSTILE)
    await add(page, str(folder))
    await expect(page.repository("hostile<b>")).to_contain_text("1 file ·")
    await page.choose("hostile<b>")
    await page.ask("What renders the banner?")
    text = await page.until_complete()
    assert "render_banner" in text
    answer = page.answers.last
    await answer.get_by_role("list", name="Sources").get_by_role("button").first.click()
    await expect(page.panel.locator(".line.cited").first).to_be_visible()
    assert "<script>" in await page.panel.locator(".source").inner_text()
    assert await answer.locator("img, script, style, a[href^='javascript']").count() == 0
    assert await page.panel.locator("img, script").count() == 0
    assert await page.page.evaluate("window.hurt") is None
    await remove(page, "hostile<b>")
