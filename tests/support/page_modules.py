"""Running the page's own modules where they live: in the browser."""

from typing import Any

from tests.support.page_driver import PageDriver


async def run(page: PageDriver, body: str, argument: Any = None) -> Any:
    """The value of a function body in the page, which can ``load`` a module of the page by name."""
    source = f"""async (argument) => {{
      const root = document.querySelector("script[src]").src.replace(/[^/]*$/, "");
      const load = (name) => import(root + name);
      {body}
    }}"""
    return await page.page.evaluate(source, argument)
