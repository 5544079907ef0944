"""The methods that a path has: it may have several routes, and the framework names those of the first that it finds."""

from fastapi import Request
from fastapi.routing import iter_route_contexts
from starlette.routing import Match


def methods_of_path(request: Request) -> list[str]:
    """What may be done at the request's path, by whichever routes; in the order of the alphabet."""
    at_path = (
        route
        for route in iter_route_contexts(request.app.routes)
        if route.matches(request.scope)[0] is not Match.NONE
    )
    return sorted({method for route in at_path for method in route.methods or ()})
