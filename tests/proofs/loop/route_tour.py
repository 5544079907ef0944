"""Every route as its users mean it, and as those who may not; on real rows of a real stack."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import Engine
from tests.authz.calls import KNOCKER
from tests.authz.matrix import Matrix, Rules
from tests.proofs.loop.loop_notes import LoopNotes
from tests.support.live_api import client_of
from tests.support.sso_visits import come_in, is_signed_in
from tests.support.visitors import GOOD_PASSWORD
from tests.support.waiting import wait_until

from riverrun.auth.api_keys import Scope
from riverrun.auth.sign_in import ensure_administrator, issue_bearer_token
from riverrun.cli.stack import Stack
from riverrun.runs.outsized import store

ALLOWED = ("ok", "shown")
FORBIDDEN = ("403", "404")
LOOP_REPORT = "/-/loop"
"""Driven last of all: what the monitor has seen must not be forgotten in the middle of the tour."""
NO_TOKEN = "x"
"""Too short for a share link's; whatever else is asked for may be any id that nobody has."""


class Administrator:
    """Bare HTTP by a token of the administrator's. An answer of 5xx raises."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=60)

    def call(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        response = self._http.request(method, path, **arguments)
        assert response.status_code < 500, (method, path, response.text)
        return response

    def close(self) -> None:
        self._http.close()


def succeed(stack: Stack, engine: Engine, folder: Path) -> None:
    """The main job: those of people first, then the same by API key. The token that it uses is gone afterwards."""
    token = issue_bearer_token(engine, ensure_administrator(engine), "tour")
    administrator = Administrator(stack.base_url, token)
    try:
        _use(administrator, engine, folder)
    finally:
        administrator.close()


def _use(administrator: Administrator, engine: Engine, folder: Path) -> None:
    for path in ("/health/live", "/health/ready", "/api/v1/account/me"):
        administrator.call("GET", path)
    administrator.call("POST", "/api/v1/markdown", json={"text": "# Title\n\n```python\nprint(1)\n```"})
    _visit(administrator, engine, "/api/v1", folder, {})
    new_key = {"name": "a tour", "scopes": list(Scope)}
    key = administrator.call("POST", "/api/v1/api-keys", json=new_key).json()
    _visit(administrator, engine, "/api/v2", folder, {"X-API-Key": key["key"]})
    administrator.call("GET", "/api/v1/api-keys")
    administrator.call("DELETE", f"/api/v1/api-keys/{key['id']}")
    administrator.call("POST", "/api/v1/logout")


def _visit(
    administrator: Administrator, engine: Engine, api: str, folder: Path, headers: dict[str, str]
) -> None:
    """What both versions have."""

    def call(method: str, path: str, **arguments: Any) -> httpx2.Response:
        return administrator.call(method, f"{api}{path}", headers=headers, **arguments)

    source = {"repo_path": str(folder)}
    project = call("POST", "/parse", json=source).json()["project_id"]
    wait_until(lambda: call("GET", f"/parsing-status/{project}").json()["status"] == "ready", 60)
    call("GET", "/projects/list")
    call("POST", "/parsing-status", json=source)
    call("GET", f"/projects/{project}/file?path=routing.py&start=1&end=50")
    call("POST", "/search", json={"project_id": project, "query": "how are requests routed"})
    begun = call("POST", "/conversations", json={"project_ids": [project]}).json()
    conversation = f"/conversations/{begun['conversation_id']}"
    question = {"content": "How is a request routed?"}
    streamed = call("POST", f"{conversation}/message?session_id=tour", json=question)
    run = streamed.headers["x-run-id"]
    assert "event: end" in streamed.text
    call("POST", f"{conversation}/message?stream=false", json=question)
    assert "event: end" in call("POST", f"{conversation}/regenerate").text
    call("POST", f"{conversation}/message?background=true", json=question)
    wait_until(lambda: call("GET", f"{conversation}/active-session").status_code == 404, 60)
    call("POST", f"{conversation}/message?background=true", json=question)
    call("GET", f"{conversation}/active-session?snapshot=true")
    call("GET", f"{conversation}/task-status?wait_seconds=0.2")
    call("POST", f"{conversation}/stop")
    call("POST", f"{conversation}/resume/tour?cursor=2")
    for path in ("/conversations", f"{conversation}/info", "/runs"):
        call("GET", path)
    first = call("GET", f"{conversation}/messages").json()[0]
    call("GET", f"{conversation}/messages/{first['id']}")
    for path in (f"/runs/{run}", f"/runs/{run}/events", f"/runs/{run}/events?after=3"):
        call("GET", path)
    call("GET", f"/runs/events?run={run}")
    _store_result(engine, run)
    call("GET", f"/runs/{run}/results/a-call")
    call("POST", f"/runs/{run}/stop")
    call("PATCH", f"{conversation}/rename", json={"title": "Routing"})
    call("DELETE", conversation)
    if api == "/api/v2":
        call("POST", f"/project/{project}/message", json=question)
    call("DELETE", f"/projects/{project}")


def _store_result(engine: Engine, run_id: str) -> None:
    """As a tool's result that no event can hold."""
    with engine.begin() as connection:
        connection.execute(store(UUID(run_id), 1, "a-call", "a long story"))


async def ask_as_the_matrix_has_it(base_url: str, engine: Engine) -> None:
    """Each route once by somebody who may and once by somebody who is in and may not, on the matrix's own rows."""
    async with client_of(base_url) as client:
        new = {"email": KNOCKER, "password": GOOD_PASSWORD}
        (await client.post("/api/v1/signup", json=new)).raise_for_status()
        client.cookies.clear()
        matrix, asked = Matrix(client, engine), set()
        for cell in Rules.load().cells():
            kind = next((kind for kind in (ALLOWED, FORBIDDEN) if cell.expected in kind), None)
            visit = (cell.version, cell.route, kind)
            if kind and visit not in asked and not cell.route.endswith(LOOP_REPORT):
                asked.add(visit)
                await matrix.ask(cell)


def open_the_page(stack: Stack) -> None:
    """As a browser does that was given a sign-in link."""
    with httpx2.Client(base_url=stack.base_url, follow_redirects=True) as browser:
        page = browser.get(stack.sign_in_link())
        assert page.status_code == 200
        for asset in re.findall(r'(?:href|src)="(/[^"]+)"', page.text):
            assert browser.get(asset).status_code == 200, asset


async def come_in_by_a_provider(base_url: str) -> None:
    """There and back."""
    async with client_of(base_url) as browser:
        answer = await come_in(browser)
        assert answer.status_code == 303
        assert is_signed_in(browser)


def be_refused(base_url: str, notes: LoopNotes) -> None:
    """Every route with a key that opens nothing, and ids that nobody has."""
    with httpx2.Client(base_url=base_url, headers={"Authorization": "Bearer wrong"}, timeout=60) as http:
        for route in sorted(notes.routes):
            method, _, template = route.partition(" ")
            path = template.replace("{token}", NO_TOKEN)
            http.request(method, re.sub(r"\{\w+\}", str(uuid4()), path))
