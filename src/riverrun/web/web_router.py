"""The page, its files, and markdown as HTML."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from riverrun.auth.dependencies import CurrentShownViewer
from riverrun.kit.markup import markdown_pieces, render_markdown
from riverrun.kit.problem import NotFound, PayloadTooLarge
from riverrun.web.page_assets import PageAssets
from riverrun.web.page_security import (
    DOCUMENT_HEADERS,
    STATIC_HEADERS,
    content_security_policy,
    new_nonce,
)
from riverrun.web.schemas import MarkdownRequest, MarkdownView

MAX_MARKDOWN_CHARS = 200_000
READING = ["GET", "HEAD"]
FOREVER = "public, max-age=31536000, immutable"

assets = PageAssets.load()
web_router = APIRouter(tags=["web"])


@web_router.api_route("/", methods=READING, include_in_schema=False)
@web_router.api_route("/c/{conversation_id}", methods=READING, include_in_schema=False)
async def show_page() -> Response:
    """The page for everybody; it asks the API who it is shown to, and what they may see."""
    nonce = new_nonce()
    headers = {
        **DOCUMENT_HEADERS,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy(nonce),
    }
    return HTMLResponse(assets.document(nonce), headers=headers)


@web_router.api_route("/static/{digest}/{name}", methods=READING, include_in_schema=False)
async def get_asset(digest: str, name: str, request: Request) -> Response:
    """A file of this release, to be kept for good."""
    asset = assets.find(digest, name)
    if asset is None:
        raise NotFound
    headers = {**STATIC_HEADERS, "Cache-Control": FOREVER, "ETag": f'"{digest}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@web_router.post("/api/v1/markdown")
async def show_markdown(request: MarkdownRequest, _: CurrentShownViewer) -> MarkdownView:
    """Markdown as safe HTML. Other requests have their turn between the pieces of a long text."""
    if len(request.text) > MAX_MARKDOWN_CHARS:
        raise PayloadTooLarge(f"At most {MAX_MARKDOWN_CHARS:,} characters are rendered at once.")
    html = []
    for piece in markdown_pieces(request.text):
        html.append(render_markdown(piece))
        await asyncio.sleep(0)
    return MarkdownView(html="".join(html))
