"""The page's files, their headers, and markdown over HTTP."""

import re

import httpx2
import pytest
from tests.support.live_api import client_of

from riverrun.web.page_assets import PageAssets


def policy_of(response: httpx2.Response) -> dict[str, str]:
    directives = response.headers["content-security-policy"].split("; ")
    return dict(directive.partition(" ")[::2] for directive in directives)


@pytest.mark.parametrize("path", ["/", "/c/01a20cb1-6701-73bf-b23f-6e4f8e99d11c"])
async def test_the_page_may_do_only_what_it_needs(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)
    policy = policy_of(response)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "riverrun"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-cache"


async def test_each_answer_allows_its_own_inline_script_alone(client: httpx2.AsyncClient) -> None:
    nonces = set()
    for _ in range(2):
        response = await client.get("/")
        nonce = re.search(r"'nonce-([^']+)'", policy_of(response)["script-src"])[1]
        assert f'<script nonce="{nonce}">' in response.text
        assert response.text.count("<script") == 2
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_the_page_has_no_inline_handlers_and_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert not re.search(r"\son[a-z]+=|\sstyle=|https?://|javascript:", page)
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert all(address.startswith(("/static/", "#")) for address in addresses)
    for address in {address for address in addresses if address.startswith("/")}:
        assert (await client.get(address)).status_code == 200


async def test_files_are_kept_for_good_under_the_digest_of_all(client: httpx2.AsyncClient) -> None:
    address = re.search(r'src="(/static/[0-9a-f]{16}/app\.js)"', (await client.get("/")).text)[1]
    response = await client.get(address)
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"
    again = await client.get(address, headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_page_and_its_files_have_a_head_without_a_body(client: httpx2.AsyncClient) -> None:
    file = f"/static/{PageAssets.load().digest}/app.js"
    for path in ("/", "/c/01a20cb1-6701-73bf-b23f-6e4f8e99d11c", file):
        head, whole = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["content-type"] == whole.headers["content-type"]
    refused = await client.post("/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await client.head("/static/0000000000000000/app.js")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/static/0000000000000000/app.js",
        "/static/{digest}/nothing.js",
        "/static/{digest}/..%2Fpage.html",
        "/static/{digest}/%2e%2e/web_router.py",
    ],
)
async def test_what_is_no_file_of_this_release_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path.format(digest=PageAssets.load().digest))
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_modules_import_only_each_other_and_use_one_door_to_markup() -> None:
    assets = PageAssets.load()
    names = set(re.findall(r"/([a-z_]+\.js)", assets.document("n")))
    assert len(names) > 15
    for name in names:
        source = assets.find(assets.digest, name).content.decode()
        assert {path.removeprefix("./") for path in re.findall(r'from "([^"]+)"', source)} <= names
        assert set(re.findall(r"https?://[a-z][^\s\"'`]*", source)) <= {"http://www.w3.org/2000/svg"}, name
        assert not re.search(r"\beval\(|new Function|document\.write", source), name
        assert ("innerHTML" in source) == (name == "trusted_html.js"), name


async def test_markdown_comes_back_as_safe_html(client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/v1/markdown", json={"text": "**b** <script>x</script> [a.py:1-2]"})
    html = response.json()["html"]
    assert "<strong>b</strong>" in html
    assert "&lt;script&gt;" in html
    assert '<cite data-path="a.py" data-start="1" data-end="2">' in html


async def test_a_long_text_is_rendered_whole_and_too_long_a_text_refused(client: httpx2.AsyncClient) -> None:
    text = "".join(f"Line *{number}*.\n\n" for number in range(10_000))
    response = await client.post("/api/v1/markdown", json={"text": text})
    assert response.json()["html"].count("<em>") == 10_000
    refused = await client.post("/api/v1/markdown", json={"text": "x" * 200_001})
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert "200,000" in refused.json()["detail"]


async def test_markdown_is_for_those_who_are_signed_in(base_url: str) -> None:
    async with client_of(base_url) as stranger:
        assert (await stranger.post("/api/v1/markdown", json={"text": "x"})).status_code == 401
