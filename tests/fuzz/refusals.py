"""What no schema can say: valid requests that are refused all the same, each with the reason why that is right.

A problem of a kind of its own (a weak password, a source that is not taken, a limit) needs no line here: its page in
docs/problems.md says when it comes. ``bad-request`` and ``invalid-request`` say that the request is not as the document
has it, and must not come where it is.
"""

from typing import Any

import orjson
from schemathesis import Response
from tests.fuzz.doors import call_name

GENERAL = frozenset({"/problems/bad-request", "/problems/invalid-request", "about:blank"})
ORDERED_DAYS = ("start_date is after end_date", "At most 366 days")
"""One field against another, which JSON Schema cannot compare."""
PAST = ("expires_at is over already",)
"""A moment to come, which is another one at each request."""
NO_SUCH_PERSON = ("None of those that you name has access",)
"""Rows, which a schema does not know."""
REFUSALS: dict[str, tuple[str, ...]] = {
    "GET /usage": ORDERED_DAYS,
    "GET /usage/usage": ORDERED_DAYS,
    "GET /usage/users": ORDERED_DAYS,
    "GET /projects/{project_id}/file": ("end lies before start",),
    "POST /conversations/share": PAST,
    "POST /projects/{project_id}/share": PAST,
    "PUT /conversations/{conversation_id}/shares": PAST,
    "DELETE /conversations/{conversation_id}/access": NO_SUCH_PERSON,
    "DELETE /projects/{project_id}/access": NO_SUCH_PERSON,
    # Two runs with the same id spelt twice, and as many positions in one parameter as there are runs in another.
    "GET /runs/events": ("Runs: a run is named twice", "has not one position for each"),
    # Providers are the operator's settings.
    "POST /sso/login": ("This server has no identity provider of this name",),
    "GET /sso/{provider}/start": ("This server has no identity provider of this name",),
    "GET /sso/{provider}/callback": ("This server has no identity provider of this name",),
}


def is_due(method: str, path: str, response: Response) -> bool:
    """Whether a valid request is refused for what no schema can say."""
    problem: dict[str, Any] = orjson.loads(response.content)
    if problem["type"] not in GENERAL:
        return True
    written = REFUSALS.get(call_name(method, path), ())
    return "errors" not in problem and any(words in problem["detail"] for words in written)
