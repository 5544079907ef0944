"""The template of the route that serves a request, as far as the framework has told it to the scope."""

from starlette.types import Scope

FASTAPI = "fastapi"
"""Where FastAPI keeps what it found out of a request; it adds to a dict that is there already."""


def share_route(scope: Scope) -> None:
    """Let the route be known in this scope, too, whatever copies of it are made on the way to whoever finds it.

    That is so for routes of an included router, as all of ours are; others are told to the innermost copy alone.
    """
    scope.setdefault(FASTAPI, {})


def known_route(scope: Scope) -> str | None:
    """The template of the route that FastAPI found for the request; none when there is none."""
    route = scope.get(FASTAPI, {}).get("effective_route_context") or scope.get("route")
    template = getattr(route, "path_format", None)
    return template if isinstance(template, str) else None


def template_of(scope: Scope) -> str:
    """The route with its parameters' names, from the server's root on; else it is put together out of the path."""
    route = known_route(scope)
    return _named(scope, scope.get("path", "")) if route is None else _mounted_at(scope) + route


def _mounted_at(scope: Scope) -> str:
    """Where the application that knows the route is mounted in the one that is served; nowhere for the latter itself."""
    root: str = scope.get("root_path", "")
    return _named(scope, root.removeprefix(scope.get("app_root_path", root)))


def _named(scope: Scope, path: str) -> str:
    for name, value in scope.get("path_params", {}).items():
        path = f"{path}/".replace(f"/{value}/", f"/{{{name}}}/", 1).removesuffix("/")
    return path
