"""No route of the API makes a blocking call on the event loop: driven as a process, watched call by call."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from tests.authz.calls import KNOCKER
from tests.authz.matrix import Matrix, Rules
from tests.authz.site import RATES
from tests.support.live_api import client_of
from tests.support.oidc_peers import OidcPeer
from tests.support.sso_visits import callback_path, come_in, is_signed_in, start_path
from tests.support.stacks import open_stack
from tests.support.unsigned_tokens import DEMO_PROJECT
from tests.support.visitors import GOOD_PASSWORD
from tests.support.waiting import wait_until

from riverrun.cli.stack import Stack
from riverrun.infra.database import open_engine
from riverrun.runs.outsized import store

GUARD = Path(__file__).parents[1] / "support" / "loop_guard"
WITHOUT_ERROR = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/api/v1/sign-in-options"),
    ("GET", "/api/v1/sso/providers"),
    ("POST", "/api/v1/logout"),
}
"""Routes that refuse nobody; a server that is away is another test's."""
BY_A_PROVIDER = {("GET", "/api/v1/sso/{provider}/start"), ("GET", "/api/v1/sso/{provider}/callback")}
"""These lead through another provider, and are driven by a test of their own."""
OPEN_DOORS = {
    "RIVERRUN_SIGN_UP": "open",
    "RIVERRUN_FIREBASE_PROJECT_ID": DEMO_PROJECT,
    "RIVERRUN_FIREBASE_EMULATOR": "127.0.0.1:9",
    **{f"RIVERRUN_{name.upper()}": 0 for name in RATES},
}
"""Settings under which all that the authorisation matrix allows succeeds."""


class Tour:
    """Calls routes and remembers which template was answered with which kind of status."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        document = http.get("/openapi.json").json()
        self.routes = {
            (method.upper(), path) for path, methods in document["paths"].items() for method in methods
        }
        self.seen: dict[tuple[str, str], set[str]] = defaultdict(set)

    def call(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        response = self._http.request(method, path, **arguments)
        self.note(method, path.partition("?")[0], response)
        assert response.status_code < 500, (method, path, response.text)
        return response

    def note(self, method: str, path: str, response: httpx2.Response) -> None:
        """Remember an answer, if the document lists its route."""
        for verb, template in sorted(self.routes):
            if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                self.seen[method, template].add("success" if response.status_code < 400 else "error")
                return


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "blocking-calls.txt"


@pytest.fixture
def watched(tmp_path: Path, report: Path) -> Iterator[Stack]:
    with open_stack(
        tmp_path / "data", PYTHONPATH=GUARD, RIVERRUN_TEST_LOOP_REPORT=report, **OPEN_DOORS
    ) as stack:
        yield stack


@pytest.mark.e2e
def test_every_route_succeeds_and_fails_without_one_blocking_call(
    watched: Stack, report: Path, starlette_source: Path
) -> None:
    with httpx2.Client(
        base_url=watched.base_url, headers={"Authorization": f"Bearer {watched.token}"}, timeout=60
    ) as http:
        tour = Tour(http)
        succeed(tour, watched, str(starlette_source))
        asyncio.run(succeed_as_the_matrix_allows(tour, watched))
        for method, template in sorted(tour.routes):
            path = re.sub(r"\{\w+\}", str(uuid4()), template)
            if (method, template) not in WITHOUT_ERROR:
                tour.call(method, path, headers={"Authorization": "Bearer wrong"})
        visit_the_page(watched)
    missing = {
        (route, kind)
        for route in tour.routes
        for kind in ("success", "error")
        if kind not in tour.seen[route] and route not in (WITHOUT_ERROR if kind == "error" else BY_A_PROVIDER)
    }
    assert sorted(missing) == []
    assert not report.exists(), report.read_text()


@pytest.mark.e2e
def test_signing_in_by_another_provider_makes_no_blocking_call(
    tmp_path: Path, report: Path, first_peer: OidcPeer
) -> None:
    with open_stack(
        tmp_path / "data",
        PYTHONPATH=GUARD,
        RIVERRUN_TEST_LOOP_REPORT=report,
        RIVERRUN_SIGN_UP="open",
        RIVERRUN_ALLOWED_HOSTS=first_peer.host,
        RIVERRUN_OIDC_PROVIDERS=json.dumps({"first": first_peer.client_fields()}),
    ) as stack:
        asyncio.run(come_in_and_fail_to(stack.base_url))
    assert not report.exists(), report.read_text()


@pytest.mark.e2e
def test_the_watch_sees_a_planted_blocking_call(tmp_path: Path, report: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(
        (GUARD / "sitecustomize.py").read_text()
        + "\nif REPORT and sys.orig_argv[-1:] == ['api']:\n"
        + "    import riverrun.api.health_router as router, time\n"
        + "    async def live(): time.sleep(0.001); return {'status': 'ok'}\n"
        + "    route = next(r for r in router.health_router.routes if r.path == '/health/live')\n"
        + "    router.health_router.routes.remove(route)\n"
        + "    router.health_router.get('/live')(live)\n"
    )
    with open_stack(tmp_path / "data", PYTHONPATH=planted, RIVERRUN_TEST_LOOP_REPORT=report) as stack:
        httpx2.get(f"{stack.base_url}/health/live")
    assert report.read_text().startswith("time.sleep")


def succeed(tour: Tour, stack: Stack, folder: str) -> None:
    """Every route once as its users mean it: those of people first, then the same by API key."""
    for path in ("/health/live", "/health/ready", "/api/v1/account/me"):
        tour.call("GET", path)
    tour.call("POST", "/api/v1/markdown", json={"text": "# Title\n\n```python\nprint(1)\n```"})
    visit(tour, stack, "/api/v1", folder, {})
    key = tour.call("POST", "/api/v1/api-keys", json={"name": "a tour"}).json()
    visit(tour, stack, "/api/v2", folder, {"X-API-Key": key["key"]})
    tour.call("GET", "/api/v1/api-keys")
    tour.call("DELETE", f"/api/v1/api-keys/{key['id']}")
    tour.call("POST", "/api/v1/logout")


def visit(tour: Tour, stack: Stack, api: str, folder: str, headers: dict[str, str]) -> None:
    """What both versions have."""

    def call(method: str, path: str, **arguments: Any) -> httpx2.Response:
        return tour.call(method, f"{api}{path}", headers=headers, **arguments)

    project = call("POST", "/parse", json={"repo_path": folder}).json()["project_id"]
    wait_until(lambda: call("GET", f"/parsing-status/{project}").json()["status"] == "ready", 60)
    call("GET", "/projects/list")
    call("POST", "/parsing-status", json={"repo_path": folder})
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
    store_result(stack, run)
    call("GET", f"/runs/{run}/results/a-call")
    call("POST", f"/runs/{run}/stop")
    call("PATCH", f"{conversation}/rename", json={"title": "Routing"})
    call("DELETE", conversation)
    if api == "/api/v2":
        call("POST", f"/project/{project}/message", json=question)
    call("DELETE", f"/projects/{project}")


async def succeed_as_the_matrix_allows(tour: Tour, stack: Stack) -> None:
    """Each route of accounts, shares and limits once, by somebody who may, on the matrix's own rows."""

    async def note(response: httpx2.Response) -> None:
        tour.note(response.request.method, response.request.url.path, response)

    engine = open_engine(stack.settings.require_database_url(), pool_size=1)
    async with client_of(stack.base_url) as client:
        client.event_hooks["response"].append(note)
        new = {"email": KNOCKER, "password": GOOD_PASSWORD}
        (await client.post("/api/v1/signup", json=new)).raise_for_status()
        client.cookies.clear()
        matrix, asked = Matrix(client, engine), set()
        for cell in Rules.load().cells():
            if cell.expected in ("ok", "shown") and (cell.version, cell.route) not in asked:
                asked.add((cell.version, cell.route))
                await matrix.ask(cell)
    engine.dispose()


async def come_in_and_fail_to(base_url: str) -> None:
    """By the provider, and without having begun."""
    async with client_of(base_url) as browser:
        answer = await come_in(browser)
        assert answer.status_code == 303
        assert is_signed_in(browser)
    async with client_of(base_url) as browser:
        assert (await browser.get(start_path("nowhere"))).status_code == 404
        assert (await browser.get(callback_path("first"))).status_code < 500
        assert not is_signed_in(browser)


def store_result(stack: Stack, run_id: str) -> None:
    """As a tool's result that no event can hold."""
    engine = open_engine(stack.settings.require_database_url(), pool_size=1)
    with engine.begin() as connection:
        connection.execute(store(UUID(run_id), 1, "a-call", "a long story"))
    engine.dispose()


def visit_the_page(stack: Stack) -> None:
    """The routes that the document does not list: the page, its files, the sign-in link."""
    with httpx2.Client(base_url=stack.base_url, follow_redirects=True) as browser:
        page = browser.get(stack.sign_in_link())
        assert page.status_code == 200
        for asset in re.findall(r'(?:href|src)="(/[^"]+)"', page.text):
            assert browser.get(asset).status_code == 200, asset
        assert browser.get("/sign-in?token=wrong").status_code == 401
