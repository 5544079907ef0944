"""A slash at the end of an API path changes nothing, and other paths are left alone."""

import pytest
from starlette.types import Receive, Scope, Send

from riverrun.infra.trailing_slash import TrailingSlash


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/api/v2/runs/", "/api/v2/runs"),
        ("/api/v2/runs", "/api/v2/runs"),
        ("/api/v1/runs//", "/api/v1/runs/"),
        ("/static/", "/static/"),
        ("/", "/"),
    ],
)
async def test_one_slash_is_taken_off(path: str, seen: str) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def nothing(*_: object) -> dict[str, object]:
        raise AssertionError("nobody asks")

    given = {"type": "http", "path": path, "raw_path": path.encode()}
    await TrailingSlash(app)(given, nothing, nothing)  # type: ignore[arg-type]
    [scope] = scopes
    assert (scope["path"], scope["raw_path"]) == (seen, seen.encode())
    assert given["path"] == path
