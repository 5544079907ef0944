"""Sharing over two API processes: what one takes away ends what the other sends, and nothing else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.proofs.second_api import second_api
from tests.support.accounts import make_person
from tests.support.indexing import index_folder
from tests.support.live_api import events_of
from tests.support.reading import assert_whole, read_all
from tests.support.stacks import open_stack

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.infra.database import open_engine

V1 = "/api/v1"
PIECE_DELAY_MS = 400
"""An answer has some 30 pieces: it lasts long enough to be shared and taken back while it is written."""
SECRET = "secret_of_the_repository"
PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """The owner asks at the first API process; the reader has an account, and reads at the second."""

    owner: RiverrunClient
    http: httpx2.Client
    reader: httpx2.Client
    reader_email: str
    project_id: str
    new_session: Callable[[], httpx2.Client]
    """The reader, signed in at the second process once more."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("sharing")
    source = folder / "repository"
    source.mkdir()
    (source / "door.py").write_text(f'def open_door():\n    """Open the door."""\n    return "{SECRET}"\n')
    with ExitStack() as stack:
        first = stack.enter_context(open_stack(folder / "data", RIVERRUN_EXTRACTIVE_DELAY_MS=PIECE_DELAY_MS))
        second = stack.enter_context(second_api(first, folder))
        owner = stack.enter_context(RiverrunClient(ServerAddress(first.base_url, first.token)))
        engine = open_engine(first.settings.require_database_url())
        stack.callback(engine.dispose)
        person = make_person(engine, "reader@example.org")
        http = stack.enter_context(client(first.base_url, first.token))
        reader = stack.enter_context(client(second.base_url, person.token))
        project_id = str(index_folder(owner, source)["id"])

        def new_session() -> httpx2.Client:
            return client(second.base_url, issue_bearer_token(engine, person.user_id, "another"))

        yield Site(owner, http, reader, person.email, project_id, new_session)


def client(base_url: str, token: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=base_url, headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
    )


def ask_and_share(site: Site) -> tuple[str, str]:
    """A question that is being answered in a conversation which the reader may see."""
    conversation_id = site.owner.start_conversation(site.project_id)
    run_id = site.owner.ask(conversation_id, "How does the door open?", idempotency_key=str(uuid4()))
    share = {"conversation_id": conversation_id, "recipientEmails": [site.reader_email.upper()]}
    assert site.http.post(f"{V1}/conversations/share", json=share).status_code == 201
    return conversation_id, run_id


def types_of(events: list[tuple[str, str, str]]) -> list[str]:
    return [kind for _, kind, _ in events]


def test_a_reader_joins_a_running_answer_and_has_every_event_of_it_without_the_sources(site: Site) -> None:
    conversation_id, run_id = ask_and_share(site)
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(read_all, site.owner, run_id)
        with site.reader.stream("GET", f"{V1}/runs/{run_id}/events") as response:
            joined = events_of(response.read().decode())
    assert_whole(whole.result())
    assert [(event_id, kind) for event_id, kind, _ in joined] == [
        (event.position, event.type) for event in whole.result()
    ]
    shown = [data for _, kind, data in joined if kind in ("tool_call", "tool_result")]
    assert shown
    assert all('"hidden":true' in data and SECRET not in data for data in shown)
    stored = site.reader.get(f"{V1}/conversations/{conversation_id}/messages").json()[-1]
    assert all(call["hidden"] for call in stored["tool_calls"])


def read_until_cut(reader: httpx2.Client, path: str, take_away: Callable[[], None]) -> list[str]:
    """Read at the second process; once the stream is open, take the right away."""
    body = ""
    with reader.stream("GET", path) as response:
        assert response.status_code == 200
        for text in response.iter_text():
            if "event: started" in body + text and "event: started" not in body:
                take_away()
            body += text
    return types_of(events_of(body))


def test_what_one_process_takes_away_ends_the_stream_of_another_and_the_owner_reads_on(site: Site) -> None:
    conversation_id, run_id = ask_and_share(site)
    path = f"{V1}/runs/{run_id}/events"

    def shut_out() -> None:
        gone = {"emails": [site.reader_email]}
        removed = site.http.request("DELETE", f"{V1}/conversations/{conversation_id}/access", json=gone)
        assert removed.status_code == 200

    with ThreadPoolExecutor() as pool:
        whole = pool.submit(read_all, site.owner, run_id)
        assert "end" not in read_until_cut(site.reader, path, shut_out)
        assert site.reader.get(path).status_code == 404
        assert_whole(whole.result())


def test_a_reader_who_may_not_see_the_repository_any_more_comes_back_to_hidden_sources(site: Site) -> None:
    project = f"{V1}/projects/{site.project_id}"
    named = {"recipientEmails": [site.reader_email]}
    assert site.http.post(f"{project}/share", json=named).status_code == 201
    _, run_id = ask_and_share(site)
    path = f"{V1}/runs/{run_id}/events"

    def shut_out() -> None:
        gone = {"emails": [site.reader_email]}
        assert site.http.request("DELETE", f"{project}/access", json=gone).status_code == 200

    assert "end" not in read_until_cut(site.reader, path, shut_out)
    with site.reader.stream("GET", path) as response:
        again = events_of(response.read().decode())
    assert types_of(again)[-1] == "end"
    tools = [data for _, kind, data in again if kind in ("tool_call", "tool_result")]
    assert tools
    assert all('"hidden":true' in data for data in tools)


def test_signing_out_ends_the_streams_of_that_session_and_of_no_other(site: Site) -> None:
    _, run_id = ask_and_share(site)
    path = f"{V1}/runs/{run_id}/events"
    with site.new_session() as leaving, ThreadPoolExecutor() as pool:
        sessions = leaving.get(f"{V1}/account/sessions").json()
        (current,) = [session["id"] for session in sessions if session["is_current"]]

        def sign_out() -> None:
            ended = site.reader.delete(f"{V1}/account/sessions/{current}")
            assert ended.status_code == 204, ended.text

        staying = pool.submit(site.reader.get, path)
        assert "end" not in read_until_cut(leaving, path, sign_out)
        assert leaving.get(path).status_code == 401
        assert types_of(events_of(staying.result().text))[-1] == "end"
