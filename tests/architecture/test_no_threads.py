"""No request takes a thread: FastAPI calls plain functions in its thread pool, which costs more than most of them do."""

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from riverrun.infra.settings import Settings
from riverrun.main import create_app


def calls_of(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def takes_a_thread(call: object) -> bool:
    forms = (call, getattr(call, "__call__", None))  # noqa: B004 - an instance's own method, not whether it has one
    return not any(inspect.iscoroutinefunction(form) or inspect.isasyncgenfunction(form) for form in forms)


def test_every_route_and_every_dependency_is_a_coroutine() -> None:
    app = create_app(
        Settings(_env_file=None, database_url="postgresql://none/none", redis_url="redis://none")
    )
    dependants = [getattr(route, "dependant", None) for route in iter_route_contexts(app.routes)]
    calls = {call for dependant in dependants if dependant for call in calls_of(dependant)}
    assert len(calls) > 100
    assert {call for call in calls if takes_a_thread(call)} == set()
