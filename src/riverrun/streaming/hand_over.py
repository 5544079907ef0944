"""Streams leave the framework before they begin: what made the response is freed, and nothing in there wraps a send."""

from starlette.types import ASGIApp, Receive, Scope, Send

SLOT = "riverrun.hand_over"
"""Where a response finds out, in the scope, that it may be taken over."""


class HandOver:
    """Middleware: runs a handed over response when the application inside has returned. Pure ASGI.

    An open stream would else hold the request, its dependencies and a dozen frames for as long as it is open, and
    each of its sends would pass through all of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, under a scope of its own; the outer one learns its route, and nothing that would have to be kept."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        handed_over: list[ASGIApp] = []
        await self._app({**scope, SLOT: handed_over}, receive, send)
        if handed_over:
            await handed_over.pop()(scope, receive, send)


def hand_over(response: ASGIApp, scope: Scope) -> bool:
    """Leave ``response`` to the middleware; false where there is none, and it must be run in place."""
    slot: list[ASGIApp] | None = scope.get(SLOT)
    if slot is None:
        return False
    slot.append(response)
    return True
