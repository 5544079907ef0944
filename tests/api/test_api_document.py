"""The document says of each route who may come in: what it calls open is what a hand has written down as open."""

from riverrun.infra.settings import Settings
from riverrun.main import create_app

OPEN = {
    "GET /-/metrics",
    "GET /api/v1/sign-in-options",
    "GET /api/v1/sso/providers",
    "GET /api/v1/sso/{provider}/callback",
    "GET /api/v1/sso/{provider}/start",
    "GET /health/live",
    "GET /health/ready",
    "POST /api/v1/auth/redeem",
    "POST /api/v1/login",
    "POST /api/v1/logout",
    "POST /api/v1/password-reset",
    "POST /api/v1/password-reset/confirm",
    "POST /api/v1/signup",
    "POST /api/v1/sso/login",
}
"""The ways in, what asks for a token of its own kind, and what says whether the server lives."""


def test_a_route_that_asks_for_nothing_is_one_that_should() -> None:
    document = create_app(
        Settings(database_url="postgresql://nowhere/none", redis_url="redis://nowhere")
    ).openapi()
    is_open = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        if not route.get("security")
    }
    assert is_open == OPEN
