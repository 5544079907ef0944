"""The matrix holds: every route and task has a row, every cell answers as the rules say, and no scope can be taken out."""

import httpx2
import pytest
from sqlalchemy import Engine
from tests.authz.matrix import PREFIXES, Answer, Cell, Rules, difference_of, fault_of, outcome_of, routes_of
from tests.authz.proof import compare_rows, deviation, prove
from tests.authz.site import settings_without_rates
from tests.authz.unscoped import Breach, sites

from riverrun.infra.settings import Settings
from riverrun.main import create_app

LEAST_CELLS = 630


@pytest.mark.timeout(1_200)
async def test_every_cell_is_as_the_rules_have_it_and_no_scope_goes_unnoticed(
    database_url: str, redis_url: str, engine: Engine
) -> None:
    report = await prove(settings_without_rates(database_url, redis_url), engine)
    assert report.faults == []
    assert report.cells >= LEAST_CELLS
    assert report.routes > 100
    assert report.breaches[Breach.UNSCOPED] == len(sites()) > 15
    assert report.breaches[Breach.WEAKENED] > 5


def test_a_route_without_a_row_is_named(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/api/v1/forgotten/{row_id}", include_in_schema=False)
    async def forgotten(row_id: str) -> str:
        return row_id

    rules = Rules.load()
    assert "GET /api/v1/forgotten/{row_id}" in routes_of(app)
    without_row, _ = compare_rows(rules, app, {"riverrun.forgotten", *rules.tasks})
    assert without_row == ["GET /api/v1/forgotten/{row_id}", "TASK riverrun.forgotten"]


def test_a_row_for_nothing_is_named(settings: Settings) -> None:
    rules = Rules.load()
    _, without_route = compare_rows(rules, create_app(settings), set())
    assert without_route == [f"TASK {task}" for task in sorted(rules.tasks)]


def test_each_rule_says_something_of_every_principal_and_each_is_used() -> None:
    rules = Rules.load()
    cells = list(rules.cells())
    assert {cell.expected for cell in cells} == {"ok", "shown", "401", "403", "404"}
    assert {cell.rule for cell in cells} == set(rules.names)
    assert len(rules.principals) >= 9


@pytest.mark.parametrize(
    ("version", "principal", "expected"),
    [
        ("v1", "anonymous", "401"),
        ("v1", "owner", "shown"),
        ("v1", "link", "shown"),
        ("v2", "link", "401"),
        ("v1", "closed_link", "404"),
        ("v1", "read_key", "401"),
        ("v2", "read_key", "shown"),
        ("v2", "revoked_key", "401"),
        ("v2", "stranger", "404"),
    ],
)
def test_doors_come_before_rules(version: str, principal: str, expected: str) -> None:
    assert Rules.load().expected(version, "GET /runs/{run_id}", "view", principal) == expected


def test_a_key_that_may_only_read_changes_nothing() -> None:
    assert Rules.load().expected("v2", "POST /runs/{run_id}/stop", "stop", "read_key") == "403"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [(200, "the canary", "shown"), (200, "nothing", "ok"), (303, "", "ok"), (404, "canary", "404")],
)
def test_an_answer_is_read_as_what_it_shows(status: int, body: str, outcome: str) -> None:
    assert outcome_of(httpx2.Response(status, text=body), "canary") == outcome


def test_a_refusal_that_tells_what_it_refuses_is_a_fault() -> None:
    cell = Cell("v1", "GET /runs", "view", "stranger", "404")
    for response in (httpx2.Response(404, text="canary"), httpx2.Response(404, headers={"x": "canary"})):
        fault = fault_of(response, "canary")
        assert deviation(cell, Answer("404", fault)) is not None
    assert deviation(cell, Answer("404", fault_of(httpx2.Response(404, text="no"), "canary"))) is None


def test_a_404_must_be_an_unknown_ids_byte_for_byte() -> None:
    unknown = httpx2.Response(404, text="nothing", headers={"x-request-id": "1", "date": "now"})
    same = httpx2.Response(404, text="nothing", headers={"x-request-id": "2", "date": "then"})
    assert difference_of(same, unknown) == ""
    for other in (
        httpx2.Response(403, text="nothing"),
        httpx2.Response(404, text="Nothing"),
        httpx2.Response(404, text="nothing", headers={"x-owner": "1"}),
    ):
        assert difference_of(other, unknown) != ""


def test_the_versions_have_prefixes_of_their_own() -> None:
    assert len(set(PREFIXES.values())) == len(PREFIXES)
