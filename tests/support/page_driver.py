"""A person at the page, in headless Chromium."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Route, expect

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_MS = 30_000
LOST_LINE = re.compile(r"Failed to load resource: net::ERR_")
"""What Chromium itself says of a request that met no server; everything else on the console is our fault."""

expect.set_options(timeout=PATIENCE_MS)


class PageDriver:
    """One browser window. ``faults`` gathers what a page must never do: throw, or break its own policy."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.faults: list[str] = []
        self.streams: list[dict[str, str]] = []
        """The runs of each request for events with their positions, in order: what the page said it had."""
        self.open_streams: set[Request] = set()
        """The requests for events that are not over yet."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(f"threw {error}"))
        page.on("console", self._on_console)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_request_over)
        page.on("requestfailed", self._on_request_over)

    @classmethod
    async def open(cls, browser: Browser, base_url: str, **context: Any) -> "PageDriver":
        """A window of its own, with nothing remembered and nobody signed in."""
        options: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, **context}
        return cls(await (await browser.new_context(**options)).new_page(), base_url)

    async def close(self) -> None:
        await self.page.context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not LOST_LINE.match(message.text):
            self.faults.append(f"said {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if not address.path.endswith("/events"):
            return
        self.streams.append(dict(run.split("@") for run in parse_qs(address.query)["run"]))
        self.open_streams.add(request)

    def _on_request_over(self, request: Request) -> None:
        self.open_streams.discard(request)

    @property
    def positions(self) -> list[str]:
        """The position of each run in each request for events, in order."""
        return [position for stream in self.streams for position in stream.values()]

    async def go(self, path: str = "/") -> None:
        await self.page.goto(self.base_url + path)

    @property
    def question(self) -> Locator:
        return self.page.get_by_role("textbox", name="Your question")

    @property
    def answers(self) -> Locator:
        return self.page.get_by_role("article", name="Answer")

    @property
    def writing(self) -> Locator:
        """The answer that is being written."""
        return self.page.locator("article.answer[aria-busy=true]")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("complementary", name="Source", exact=True)

    def repository(self, name: str) -> Locator:
        """Its row in the sidebar."""
        return self.page.locator("li.repository", has=self.page.locator(".name", has_text=name))

    async def lose_at_first(self, pattern: str, times: int = 2) -> None:
        """Lose so many of the requests to come whose URLs match, and let the others through."""
        left = times

        async def lose(route: Route) -> None:
            nonlocal left
            left -= 1
            await (route.abort() if left >= 0 else route.continue_())

        await self.page.route(pattern, lose)

    async def choose(self, name: str) -> None:
        """Begin a question about a repository."""
        await self.repository(name).locator(".item").click()
        await expect(self.page.get_by_text(f"about {name}", exact=True)).to_be_visible()

    async def ask(self, text: str) -> None:
        await self.question.fill(text)
        await self.question.press("Enter")

    async def until_written(self, chars: int) -> str:
        """The open answer's text once it has so many characters."""
        await self.page.wait_for_function(
            "chars => (document.querySelector('article.answer[aria-busy=true] .prose')?.innerText ?? '').length >= chars",
            arg=chars,
        )
        return await self.writing.locator(".prose").inner_text()

    async def until_complete(self) -> str:
        """The last answer's text once it is whole and rendered."""
        await expect(self.answers.last).to_be_visible()
        await expect(self.page.locator("article.answer:is([aria-busy], .writing)")).to_have_count(0)
        await expect(self.answers.last.locator(".prose > .plain")).to_have_count(0)
        return await self.answers.last.locator(".prose").inner_text()

    async def width_of_content(self) -> int:
        """How wide the page would like to be, in pixels."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth"))
