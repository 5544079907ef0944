"""No route of the API makes a blocking call on the event loop: driven as a process, watched call by call."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.stack import Stack

GUARD = Path(__file__).parents[1] / "support" / "loop_guard"
WITHOUT_ERROR = {("GET", "/health/live"), ("GET", "/health/ready"), ("POST", "/api/v1/logout")}
"""Routes that refuse nobody; a server that is away is another test's."""


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
        bare = path.partition("?")[0]
        template = next(
            template
            for verb, template in sorted(self.routes)
            if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), bare)
        )
        self.seen[method, template].add("success" if response.status_code < 400 else "error")
        assert response.status_code < 500, (method, path, response.text)
        return response


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "blocking-calls.txt"


@pytest.fixture
def watched(tmp_path: Path, report: Path) -> Iterator[Stack]:
    with open_stack(tmp_path / "data", PYTHONPATH=GUARD, RIVERRUN_TEST_LOOP_REPORT=report) as stack:
        yield stack


@pytest.mark.e2e
def test_every_route_succeeds_and_fails_without_one_blocking_call(
    watched: Stack, report: Path, starlette_source: Path
) -> None:
    with httpx2.Client(
        base_url=watched.base_url, headers={"Authorization": f"Bearer {watched.token}"}, timeout=60
    ) as http:
        tour = Tour(http)
        succeed(tour, str(starlette_source))
        for method, template in sorted(tour.routes):
            path = re.sub(r"\{\w+\}", str(uuid4()), template)
            if (method, template) not in WITHOUT_ERROR:
                tour.call(method, path, headers={"Authorization": "Bearer wrong"})
        visit_the_page(watched)
    missing = {
        (route, kind)
        for route in tour.routes
        for kind in ("success", "error")
        if kind not in tour.seen[route] and not (kind == "error" and route in WITHOUT_ERROR)
    }
    assert missing == set()
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


def succeed(tour: Tour, folder: str) -> None:
    """Every route once as its users mean it."""
    for path in ("/health/live", "/health/ready", "/api/v1/account/me"):
        tour.call("GET", path)
    parsed = tour.call("POST", "/api/v1/parse", json={"repo_path": folder}).json()
    project = parsed["project_id"]
    wait_until(lambda: tour.call("GET", f"/api/v1/parsing-status/{project}").json()["status"] == "ready", 60)
    tour.call("GET", "/api/v1/projects/list")
    tour.call("GET", f"/api/v1/projects/{project}/file?path=routing.py&start=1&end=50")
    tour.call("POST", "/api/v1/search", json={"project_id": project, "query": "how are requests routed"})
    tour.call("POST", "/api/v1/markdown", json={"text": "# Title\n\n```python\nprint(1)\n```"})
    begun = tour.call("POST", "/api/v1/conversations", json={"project_ids": [project]}).json()
    conversation = f"/api/v1/conversations/{begun['conversation_id']}"
    question = {"content": "How is a request routed?"}
    streamed = tour.call("POST", f"{conversation}/message", json=question)
    run = streamed.headers["x-run-id"]
    assert "event: end" in streamed.text
    tour.call("POST", f"{conversation}/message?stream=false", json=question)
    tour.call("POST", f"{conversation}/message?background=true", json=question)
    wait_until(lambda: tour.call("GET", f"{conversation}/active-session").status_code == 404, 60)
    tour.call("POST", f"{conversation}/message?background=true", json=question)
    tour.call("GET", f"{conversation}/active-session")
    tour.call("POST", f"{conversation}/stop")
    for path in ("/api/v1/conversations", f"{conversation}/info", f"{conversation}/messages", "/api/v1/runs"):
        tour.call("GET", path)
    for path in (f"/api/v1/runs/{run}", f"/api/v1/runs/{run}/events", f"/api/v1/runs/{run}/events?after=3"):
        tour.call("GET", path)
    tour.call("POST", f"/api/v1/runs/{run}/stop")
    tour.call("PATCH", f"{conversation}/rename", json={"title": "Routing"})
    tour.call("DELETE", conversation)
    tour.call("DELETE", f"/api/v1/projects/{project}")
    tour.call("POST", "/api/v1/logout")


def visit_the_page(stack: Stack) -> None:
    """The routes that the document does not list: the page, its files, the sign-in link."""
    with httpx2.Client(base_url=stack.base_url, follow_redirects=True) as browser:
        page = browser.get(stack.sign_in_link())
        assert page.status_code == 200
        for asset in re.findall(r'(?:href|src)="(/[^"]+)"', page.text):
            assert browser.get(asset).status_code == 200, asset
        assert browser.get("/sign-in?token=wrong").status_code == 401
