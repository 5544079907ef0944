"""Generated requests over the OpenAPI document find nothing; and they would find what is wrong, were there anything."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI, Response
from psycopg.errors import DeadlockDetected
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from tests.authz.site import settings_without_rates
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.ground import open_ground, undisturbed
from tests.fuzz.verdicts import DEVIATION, IGNORED_AUTH, SERVER_ERROR, Fault, Report, is_sent_as_drawn, sum_of

from riverrun.kit.problem import InvalidRequest
from riverrun.main import create_app

CASES = 2_000
SEED = 20_261_124
PLANTED = "/planted/"


class Number(BaseModel):
    """A number."""

    number: int


def breaks(app: FastAPI) -> None:
    @app.post(f"{PLANTED}breaks")
    async def breaks(given: Number) -> Number:
        return Number(number=1 // (given.number * 0))


def lets_everybody_in(app: FastAPI) -> None:
    @app.get(f"{PLANTED}open", openapi_extra={"security": [{"bearer": []}]})
    async def let_in() -> Number:
        return Number(number=1)


def says_something_else(app: FastAPI) -> None:
    @app.get(f"{PLANTED}else", response_model=Number)
    async def say() -> Response:
        return Response(b'{"number": "one"}', media_type="application/json")


def refuses_what_is_valid(app: FastAPI) -> None:
    @app.post(f"{PLANTED}refused")
    async def refuse(given: Number) -> Number:
        raise InvalidRequest("Not today.")


def takes_what_is_not_valid(app: FastAPI) -> None:
    body = {"required": True, "content": {"application/json": {"schema": Number.model_json_schema()}}}

    @app.post(f"{PLANTED}taken", openapi_extra={"requestBody": body})
    async def take() -> Number:
        return Number(number=1)


@pytest.mark.timeout(1_200)
def test_no_generated_request_finds_a_fault(database_url: str, redis_url: str, engine: Engine) -> None:
    settings = settings_without_rates(database_url, redis_url)
    with open_ground(settings, engine) as ground:
        report = Fuzzer(ground, SEED).run(CASES)
    assert [str(fault) for fault in report.faults.values()] == []
    assert report.cases >= CASES
    assert report.probes > CASES / 10
    assert report.line == f"fuzz: cases={report.cases} server_errors=0 ignored_auth=0 schema_deviations=0"
    taken = sum(count for status, count in report.statuses.items() if status < 300)
    assert taken > CASES / 8, "too few requests come as far as the rows"


@pytest.mark.parametrize(
    ("sent", "is_as_drawn"), [("4E", True), ("a%21b", True), ("4E%EF%BF%BD", False), ("a%20b", False)]
)
def test_a_value_that_was_changed_on_its_way_need_not_be_taken(sent: str, *, is_as_drawn: bool) -> None:
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[!-~]+$"},
    }
    answers = {"200": {"description": "Taken."}}
    paths = {"/runs/{name}": {"get": {"parameters": [name], "responses": answers}}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    operation = schemathesis.openapi.from_dict(document)["/runs/{name}"]["GET"]
    assert is_sent_as_drawn(operation.Case(path_parameters={"name": sent})) is is_as_drawn


def test_the_sum_of_two_reports_counts_all_and_keeps_the_first_example_of_a_fault() -> None:
    reports = [Report(cases=2, probes=1), Report(cases=3)]
    for number, report in enumerate(reports):
        report.statuses[500] += 1
        report.note(Fault(SERVER_ERROR, "GET /here", "500", f"request {number}"))
    whole = sum_of(reports)
    assert (whole.cases, whole.probes, whole.statuses) == (5, 1, {500: 2})
    assert whole.line == "fuzz: cases=5 server_errors=2 ignored_auth=0 schema_deviations=0"
    assert [fault.request for fault in whole.faults.values()] == ["request 0"]


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (breaks, SERVER_ERROR),
        (lets_everybody_in, IGNORED_AUTH),
        (says_something_else, DEVIATION),
        (refuses_what_is_valid, DEVIATION),
        (takes_what_is_not_valid, DEVIATION),
    ],
)
def test_a_planted_fault_is_found(
    plant: Callable[[FastAPI], Any], kind: str, database_url: str, redis_url: str, engine: Engine
) -> None:
    settings = settings_without_rates(database_url, redis_url)
    app = create_app(settings)
    plant(app)
    with open_ground(settings, engine, app) as ground:
        report = Fuzzer(ground, SEED, PLANTED).run(20)
    assert report.counts[kind] > 0
    assert {fault.kind for fault in report.faults.values()} == {kind}


def test_what_postgres_undid_for_a_deadlock_is_done_again_and_nothing_else_is() -> None:
    done: list[Exception | None] = [OperationalError("", {}, DeadlockDetected("")), None]

    def work() -> None:
        if error := done.pop(0):
            raise error

    undisturbed(work)
    assert done == []
    done.append(OperationalError("", {}, Exception("gone")))
    with pytest.raises(OperationalError):
        undisturbed(work)
