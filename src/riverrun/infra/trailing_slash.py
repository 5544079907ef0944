"""Paths under ``/api/`` mean the same with a slash at the end: no redirect, which would lose a body. Pure ASGI."""

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/api/"


class TrailingSlash:
    """Middleware: takes one slash off the end of an API path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, some of it under a shorter path."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX) and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"][:-1], "raw_path": scope["raw_path"].removesuffix(b"/")}
        await self._app(scope, receive, send)
