"""Bends generated cases so that they ask about rows that are there, and so that none waits for what never comes."""

import random
from typing import Any

from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from tests.authz.calls import CALLS, Call, path_values
from tests.authz.rows import CALL_ID
from tests.fuzz.doors import call_name
from tests.fuzz.ground import Ground

IDS = frozenset({"project_id", "project_ids", "conversation_id", "linking_token", "token", "run", "path"})
"""Fields of bodies and queries that name a row."""
ASKS = ("/message", "/regenerate")


def settle(case: Case[Any], ground: Ground, dice: random.Random) -> None:
    """Put ids of real rows where the case has valid ones: in most cases, else 404 is all that would ever come back."""
    known = CALLS.get(call_name(case.method, case.path), Call())
    keeps = dice.random()
    if keeps < 0.9 and _is_valid(case, ParameterLocation.PATH):
        values = {**path_values(case.path, ground.rows), "call_id": CALL_ID}
        case.path_parameters = {name: values.get(name, made) for name, made in case.path_parameters.items()}
    if keeps < 0.8:
        wanted = None if keeps < 0.3 else IDS
        if isinstance(case.body, dict) and _is_valid(case, ParameterLocation.BODY):
            case.body = {**case.body, **_chosen(known.body(ground.rows, ground.people), wanted)}
        if _is_valid(case, ParameterLocation.QUERY):
            case.query = {**case.query, **_chosen(known.query(ground.rows, ground.people), wanted)}
    _never_wait(case)


def _is_valid(case: Case[Any], location: ParameterLocation) -> bool:
    component = case.meta.components.get(location) if case.meta else None
    return component is None or component.mode is GenerationMode.POSITIVE


def _chosen(values: dict[str, Any] | None, wanted: frozenset[str] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if wanted is None or name in wanted}


def _never_wait(case: Case[Any]) -> None:
    """No worker is here to answer: whoever waits for the end of an answer waits in vain. Waiting has tests of its own."""
    if case.path.endswith(ASKS) and str(case.query.get("stream", "")).lower() not in ("true", "1"):
        case.query = {**case.query, "background": "true"}
    if isinstance(case.query.get("wait_seconds"), int | float) and case.query["wait_seconds"] > 0:
        case.query = {**case.query, "wait_seconds": 0}
