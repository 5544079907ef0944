"""The OpenAPI document: FastAPI's, with what holds for every route said in one place: how one signs in, and how errors look."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from riverrun.api.router import get_api_key_user
from riverrun.auth.dependencies import LINK_HEADER, SESSION_COOKIE, get_principal, get_viewer

KEY_HEADER = "x-api-key"
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    "apiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
    "shareLink": {"type": "apiKey", "in": "header", "name": LINK_HEADER},
}
PROBLEM = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `type` is the path of its page; some kinds say more in fields of their own.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^(/problems/[a-z-]+|about:blank)$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
    },
}
PROBLEM_BODY = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
RETRY_AFTER = {"retry-after": {"description": "Seconds", "schema": {"type": "integer", "minimum": 0}}}
CHALLENGE = {"www-authenticate": {"required": True, "schema": {"type": "string"}}}
PROBLEM_RESPONSES = {
    "NotSignedIn": {
        "description": "No key, or one that opens nothing",
        "headers": CHALLENGE,
        "content": PROBLEM_BODY,
    },
    "InvalidRequest": {"description": "The request does not fit this document", "content": PROBLEM_BODY},
    "Refused": {"description": "The request is refused", "headers": RETRY_AFTER, "content": PROBLEM_BODY},
    "Failed": {"description": "The server cannot now", "headers": RETRY_AFTER, "content": PROBLEM_BODY},
}
FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
"""FastAPI's own form of errors, which nobody is ever sent."""


def describe_api(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What ``app.openapi`` is to be: the document of its routes, made once, when somebody first asks for it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            _complete(document, app)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _complete(document: dict[str, Any], app: FastAPI) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = SECURITY_SCHEMES
    components["responses"] = PROBLEM_RESPONSES
    doors = _doors(app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(operation, doors.get((method.upper(), path), ()))


def _complete_operation(operation: dict[str, Any], doors: tuple[str, ...]) -> None:
    responses = operation["responses"]
    if "422" in responses:
        responses["422"] = _response("InvalidRequest")
    responses["4XX"], responses["5XX"] = _response("Refused"), _response("Failed")
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
    if not doors:
        return
    responses["401"] = _response("NotSignedIn")
    operation["security"] = [{door: []} for door in doors]
    parameters = [one for one in operation.get("parameters", ()) if one["name"] != KEY_HEADER]
    if parameters:
        operation["parameters"] = parameters
    else:
        operation.pop("parameters", None)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: what is not given is left out of a request; there is no null to be sent."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}


def _response(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{name}"}


def _doors(app: FastAPI) -> dict[tuple[str, str], tuple[str, ...]]:
    """By which keys each route lets somebody in; routes that are open to everybody are not in it."""
    doors = {}
    for route in iter_route_contexts(app.routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        if dependant is None or not (opened_by := _keys(set(_calls(dependant)))):
            continue
        for method in route.methods or ():
            doors[method, route.path_format or ""] = opened_by
    return doors


def _keys(calls: set[Any]) -> tuple[str, ...]:
    if get_api_key_user in calls:
        return ("apiKey",)
    if get_principal in calls:
        return ("bearer", "session")
    return ("bearer", "session", "shareLink") if get_viewer in calls else ()


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
