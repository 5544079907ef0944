"""How each route is asked for: what stands in its path, its query and its body. A route that is not here needs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.authz.principals import People
from tests.authz.rows import CALL_ID, PATH, Rows
from tests.support.unsigned_tokens import DEMO_PROJECT, unsigned_token
from tests.support.visitors import GOOD_PASSWORD

from riverrun.kit.ids import new_uuid
from riverrun.web.web_router import assets

Build = Callable[[Rows, People], Any]
KNOCKER = "knocker@example.org"
"""An account with a password, for those who sign in by it."""


@dataclass(frozen=True)
class Call:
    """A request's query and body, made of the rows that it asks about."""

    query: Build = lambda rows, people: {}
    body: Build = lambda rows, people: None
    spends_token: bool = False
    """Whoever has a bearer token sends another one, which this is the end of."""


def body(build: Build) -> Call:
    return Call(body=build)


def query(build: Build) -> Call:
    return Call(query=build)


def path_values(template: str, rows: Rows) -> dict[str, str]:
    """What stands for each name in a path."""
    values = {
        "conversation_id": rows.conversation_id,
        "project_id": rows.project_id,
        "run_id": rows.owners_run_id if template.endswith("/stop") else rows.ended_run_id,
        "message_id": rows.answer_id,
        "session_id": rows.session_id if "/account/" in template else rows.session_name,
        "call_id:text": quote(CALL_ID),
        "key_id": rows.key_id,
        "invitation_id": rows.invitation_id,
        "organisation_id": rows.organisation_id,
        "user_id": rows.bystander_id,
        "linking_token": rows.linking_token,
        "link_id": rows.link_ids["link"],
        "token": rows.links["link"],
        "kind": "user",
        "holder": rows.bystander_id,
        "digest": assets.digest,
        "name": next(iter(assets._assets)),
        "provider": "nowhere",
    }
    return {name: str(value) for name, value in values.items()}


def variant_values(route: str, rows: Rows) -> dict[str, str]:
    """What stands there instead, in a variant of the route."""
    runs = {"of the asker": rows.askers_run_id, "over": rows.ended_run_id}
    variant = route.partition(" #")[2]
    return {"run_id": str(runs[variant])} if variant in runs else {}


def _asking(rows: Rows, people: People) -> dict[str, str]:
    return {"background": "true", "if_busy": "enqueue"}


def _question(rows: Rows, people: People) -> dict[str, str]:
    return {"content": "Why?"}


def _source(rows: Rows, people: People) -> dict[str, str]:
    return {"repo_name": "https://git.example/none/such"}


def _viewer_out(rows: Rows, people: People) -> dict[str, list[str]]:
    return {"emails": [people.email("viewer")]}


CALLS: dict[str, Call] = {
    "POST /parse": body(_source),
    "POST /parsing-status": body(lambda rows, people: {"repo_name": rows.source}),
    "GET /projects/{project_id}/file": query(lambda rows, people: {"path": PATH}),
    "POST /search": body(lambda rows, people: {"project_id": str(rows.project_id), "query": "secret"}),
    "POST /conversations": body(lambda rows, people: {"project_ids": [str(rows.project_id)]}),
    "GET /conversations #shared": query(lambda rows, people: {"shared": "true"}),
    "PATCH /conversations/{conversation_id}/rename": body(lambda rows, people: {"title": "Another"}),
    "POST /conversations/{conversation_id}/message": Call(_asking, _question),
    "POST /conversations/{conversation_id}/regenerate": Call(_asking),
    "POST /conversations/share": body(
        lambda rows, people: {
            "conversation_id": str(rows.conversation_id),
            "recipientEmails": [people.email("stranger")],
        }
    ),
    "PUT /conversations/{conversation_id}/shares": body(
        lambda rows, people: {"people": [{"email": people.email("stranger")}]}
    ),
    "DELETE /conversations/{conversation_id}/access": body(_viewer_out),
    "POST /projects/{project_id}/share": body(
        lambda rows, people: {"recipientEmails": [people.email("stranger")]}
    ),
    "DELETE /projects/{project_id}/access": body(_viewer_out),
    "GET /runs/events": query(lambda rows, people: {"run": str(rows.ended_run_id)}),
    "POST /project/{project_id}/message": Call(lambda rows, people: {"background": "true"}, _question),
    "PUT /usage/limits/{kind}/{holder}": body(lambda rows, people: {"questions_per_day": 5}),
    "POST /markdown": body(lambda rows, people: {"text": "*so*"}),
    "POST /account/password": body(lambda rows, people: {"new_password": GOOD_PASSWORD}),
    "POST /providers/set-primary": body(lambda rows, people: {"provider_type": rows.provider}),
    "DELETE /providers/unlink": body(lambda rows, people: {"provider_type": rows.provider}),
    "POST /providers/confirm-linking": body(lambda rows, people: {"linking_token": rows.linking_token}),
    "POST /api-keys": body(lambda rows, people: {"name": "new"}),
    "POST /invitations": body(lambda rows, people: {"email": f"{new_uuid()}@example.org"}),
    "POST /organisations": body(lambda rows, people: {"name": "new"}),
    "POST /organisations/{organisation_id}/members": body(
        lambda rows, people: {"email": people.email("stranger")}
    ),
    "PATCH /organisations/{organisation_id}/members/{user_id}": body(lambda rows, people: {"role": "admin"}),
    "POST /login": body(lambda rows, people: {"email": KNOCKER, "password": GOOD_PASSWORD}),
    "POST /signup": body(
        lambda rows, people: {"email": f"{new_uuid()}@example.org", "password": GOOD_PASSWORD}
    ),
    "POST /sso/login": body(
        lambda rows, people: {"sso_provider": "firebase", "id_token": unsigned_token(DEMO_PROJECT)}
    ),
    "POST /logout": Call(spends_token=True),
    "POST /auth/redeem": body(lambda rows, people: {"token": rows.editor_token}),
    "POST /password-reset": body(lambda rows, people: {"email": people.email("owner")}),
    "POST /password-reset/confirm": body(
        lambda rows, people: {"token": rows.reset_token, "password": GOOD_PASSWORD}
    ),
    "POST /email-verification/confirm": body(lambda rows, people: {"token": rows.verification_token}),
    "GET /sign-in": query(lambda rows, people: {"token": rows.one_time_token}),
}
