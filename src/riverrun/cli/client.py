"""The HTTP API, as the commands use it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from riverrun.cli.client_errors import ApiProblem, NotRiverrun, ServerUnreachable
from riverrun.cli.event_fold import RunEvent
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.sse_reader import SseReader

CONNECT_TIMEOUT_SECONDS = 5.0
REPLY_TIMEOUT_SECONDS = 30.0
SILENCE_SECONDS = 40.0
"""A stream sends at least a comment each 15 s; silence of this length is a dead line."""


class EventStream:
    """An open stream of a run's events; leaving it half-read closes its socket."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._reader = SseReader()

    @property
    def retry_seconds(self) -> float | None:
        """How long the server asks to wait before the next connection."""
        return self._reader.retry_seconds

    @property
    def is_past_the_end(self) -> bool:
        """Whether the server answered that nothing comes after the position."""
        return self._response.status_code == httpx2.codes.NO_CONTENT

    def __iter__(self) -> Iterator[RunEvent]:
        for data in self._response.iter_bytes():
            for frame in self._reader.feed(data):
                yield RunEvent(frame.id, frame.event, json.loads(frame.data))


class RiverrunClient:
    """Calls with the bearer token of one account. Failures are ``ApiProblem``, ``ServerUnreachable``, ``NotRiverrun``."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._http = httpx2.Client(
            base_url=address.base_url,
            headers={"Authorization": f"Bearer {address.token}"} if address.token else {},
            timeout=httpx2.Timeout(REPLY_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            trust_env=not _is_loopback(address.base_url),
        )

    def __enter__(self) -> "RiverrunClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def login(self, email: str, password: str) -> str:
        """A bearer token for the account."""
        return str(
            self._object("POST", "/api/v1/login", json={"email": email, "password": password})["token"]
        )

    def parse(self, source: dict[str, str]) -> dict[str, Any]:
        """Start indexing ``{repo_path}`` or ``{repo_name}``, maybe with ``branch_name``: ``{project_id, run_id, ...}``."""
        return self._object("POST", "/api/v1/parse", json=source)

    def projects(self) -> list[dict[str, Any]]:
        """The account's repositories."""
        return self._list("GET", "/api/v1/projects/list")

    def project(self, project_id: str) -> dict[str, Any]:
        """One repository with its state."""
        return self._object("GET", f"/api/v1/parsing-status/{project_id}")

    def file_lines(self, project_id: str, path: str, start_line: int, end_line: int) -> dict[str, Any]:
        """A range of an indexed file, 1-based and inclusive: ``{text, start_line, end_line, total_lines, ...}``."""
        range_ = {"path": path, "start": start_line, "end": end_line}
        return self._object("GET", f"/api/v1/projects/{project_id}/file", params=range_)

    def start_conversation(self, project_id: str) -> str:
        """A new conversation about one repository; its id."""
        created = self._object("POST", "/api/v1/conversations", json={"project_ids": [project_id]})
        return str(created["conversation_id"])

    def ask(self, conversation_id: str, question: str, idempotency_key: str) -> str:
        """Post a question and return its run's id at once. Posting again with the same key gives the same run."""
        accepted = self._object(
            "POST",
            f"/api/v1/conversations/{conversation_id}/message",
            params={"background": "true"},
            headers={"Idempotency-Key": idempotency_key},
            json={"content": question},
        )
        return str(accepted["run_id"])

    def runs(self, limit: int) -> list[dict[str, Any]]:
        """The account's latest runs, newest first."""
        return self._list("GET", "/api/v1/runs", params={"limit": limit})

    def run(self, run_id: str) -> dict[str, Any]:
        """One run."""
        return self._object("GET", f"/api/v1/runs/{run_id}")

    def stop(self, run_id: str) -> dict[str, Any]:
        """Stop a run; the receipt ``{status, stopped_at, saved_partial, message_id, chars}``."""
        return self._object("POST", f"/api/v1/runs/{run_id}/stop")

    def create_key(self, name: str, scopes: list[str]) -> dict[str, Any]:
        """A new API key, with its text under ``key`` this once."""
        return self._object("POST", "/api/v1/api-keys", json={"name": name, "scopes": scopes})

    def keys(self) -> list[dict[str, Any]]:
        """The account's API keys, the oldest first."""
        return self._list("GET", "/api/v1/api-keys")

    def revoke_key(self, key_id: str) -> None:
        """Take an API key back."""
        self._send("DELETE", f"/api/v1/api-keys/{quote(key_id, safe='')}")

    def organisations(self) -> list[dict[str, Any]]:
        """The organisations that the account is in, by name: ``{id, name, role, created_at}``."""
        return self._list("GET", "/api/v1/organisations")

    def create_organisation(self, name: str) -> dict[str, Any]:
        """A new organisation, which the account owns."""
        return self._object("POST", "/api/v1/organisations", json={"name": name})

    def members(self, organisation_id: str) -> list[dict[str, Any]]:
        """Everybody in an organisation, in the order of joining: ``{user_id, email, display_name, role, joined_at}``."""
        return self._list("GET", f"{_organisation(organisation_id)}/members")

    def add_member(self, organisation_id: str, email: str, role: str) -> dict[str, Any]:
        """Let somebody in, or invite them: ``{email, role, user_id, is_invited}``."""
        new = {"email": email, "role": role}
        return self._object("POST", f"{_organisation(organisation_id)}/members", json=new)

    def remove_member(self, organisation_id: str, user_id: str) -> None:
        """Take somebody out of an organisation."""
        self._send("DELETE", f"{_organisation(organisation_id)}/members/{quote(user_id, safe='')}")

    def waiting_invitations(self, organisation_id: str) -> list[dict[str, Any]]:
        """Who is invited and still to come, the newest first: ``{id, email, role, created_at, expires_at}``."""
        return self._list("GET", f"{_organisation(organisation_id)}/invitations")

    def withdraw_invitation(self, organisation_id: str, invitation_id: str) -> None:
        """Take an invitation back."""
        path = f"{_organisation(organisation_id)}/invitations/{quote(invitation_id, safe='')}"
        self._send("DELETE", path)

    def usage(self) -> dict[str, Any]:
        """What the account has asked this month, and what is left: ``{questions, tokens, plan, limits, ...}``."""
        return self._object("GET", "/api/v1/usage")

    def usage_by_user(self) -> list[dict[str, Any]]:
        """What each account has asked this month, the most first; for administrators."""
        return self._list("GET", "/api/v1/usage/users", params={"limit": 200})

    def usage_limits(self) -> list[dict[str, Any]]:
        """Every limit that was laid down; for administrators."""
        return self._list("GET", "/api/v1/usage/limits", params={"limit": 200})

    def limit_usage(self, kind: str, holder: str, limit: dict[str, Any]) -> None:
        """Lay a holder's limit down in place of the earlier one; for administrators."""
        self._send("PUT", _limit_of(kind, holder), json=limit)

    def unlimit_usage(self, kind: str, holder: str) -> None:
        """Take a holder's limit back; for administrators."""
        self._send("DELETE", _limit_of(kind, holder))

    def loop_report(self) -> dict[str, Any]:
        """What blocked the server's loop since its last reset; for administrators."""
        return self._object("GET", "/-/loop")

    def reset_loop_report(self) -> None:
        """Begin to watch anew."""
        self._send("DELETE", "/-/loop")

    @contextmanager
    def events(self, run_id: str, position: str) -> Iterator[EventStream]:
        """Connect to a run's events after a position. Losing the line while reading is ``ServerUnreachable`` too."""
        with (
            self._translated_errors(),
            self._http.stream(
                "GET",
                f"/api/v1/runs/{run_id}/events",
                headers={"Last-Event-ID": position, "Accept": "text/event-stream"},
                timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            ) as response,
        ):
            if response.is_error:
                response.read()
            _raise_for_problem(response)
            yield EventStream(response)

    def _object(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._answer(dict, self._send(method, path, **request))
        return answer

    def _list(self, method: str, path: str, **request: Any) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self._answer(list, self._send(method, path, **request))
        return answer

    def _answer(self, kind: type, response: httpx2.Response) -> Any:
        try:
            found = response.json()
        except ValueError as error:
            raise NotRiverrun(self._address.base_url) from error
        if not isinstance(found, kind):
            raise NotRiverrun(self._address.base_url)
        return found

    def _send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        with self._translated_errors():
            response = self._http.request(method, path, **request)
        _raise_for_problem(response)
        return response

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise ServerUnreachable(self._address.base_url, str(error) or type(error).__name__) from error


def _organisation(organisation_id: str) -> str:
    return f"/api/v1/organisations/{quote(organisation_id, safe='')}"


def _limit_of(kind: str, holder: str) -> str:
    return f"/api/v1/usage/limits/{kind}/{quote(holder, safe='')}"


def _raise_for_problem(response: httpx2.Response) -> None:
    if not response.is_success:
        raise ApiProblem.of(response)


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
