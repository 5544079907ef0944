"""What tools read is shown only to those who may see the repository: live, replayed, stored, and copied."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, delete, text
from sqlalchemy.orm import Session
from tests.conversations.sharing_party import V1, Party, link_header, party_at
from tests.support.asking import answer, ask, messages
from tests.support.live_api import events_of, read_sse

from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.parsing.models import Project
from riverrun.runs.attempt import Attempt

CANARY = "def secret_source(): ..."
CITATION = {"repo": "empty", "path": "a.py", "start_line": 1, "end_line": 2}


@pytest.fixture
async def party(
    base_url: str, engine: Engine, client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        yield party


def reads_sources(attempt: Attempt) -> None:
    """An answer whose tools read sources, one of them too many for an event."""
    for call_id, result in (("one", CANARY), ("two", CANARY * 5_000)):
        attempt.emit("tool_call", call_id=call_id, name="read_file", arguments={"path": CANARY})
        attempt.emit("tool_result", call_id=call_id, result=result)
    attempt.emit("citation", **CITATION)
    attempt.emit("text", text="It is in a.py.")


async def answered(party: Party, worker: WorkerResources) -> str:
    run_id = str((await ask(party.owner, party.conversation)).json()["run_id"])
    await answer(worker, run_id, reads_sources)
    return run_id


def shape_of(events: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(event_id, kind) for event_id, kind, _ in events]


async def test_a_replay_has_every_event_and_no_excerpt(party: Party, worker: WorkerResources) -> None:
    run_id = await answered(party, worker)
    await party.share("ann@example.org")
    path = f"{V1}/runs/{run_id}/events"
    mine, hers = await read_sse(party.owner, path), await read_sse(party.ann, path)
    assert CANARY in json.dumps(mine)
    assert CANARY not in json.dumps(hers)
    assert shape_of(hers) == shape_of(mine)
    for (_, kind, data), (_, _, whole) in zip(hers, mine, strict=True):
        if kind in ("tool_call", "tool_result"):
            shown = json.loads(data)
            assert shown.pop("hidden") is True
            assert shown.items() <= json.loads(whole).items()
            assert not {"arguments", "result", "pointer", "bytes"} & set(shown)
        else:
            assert data == whole


async def test_many_runs_over_one_connection_hide_them_too(party: Party, worker: WorkerResources) -> None:
    run_id = await answered(party, worker)
    await party.share("ann@example.org")
    hers = await read_sse(party.ann, f"{V1}/runs/events?run={run_id}")
    assert CANARY not in json.dumps(hers)
    assert '"hidden":true' in hers[3][2]


async def test_a_reset_and_a_snapshot_hide_them_too(
    party: Party, worker: WorkerResources, engine: Engine
) -> None:
    await party.share("ann@example.org")
    run_id = str((await ask(party.owner, party.conversation)).json()["run_id"])
    seen: dict[str, Any] = {}

    def work(attempt: Attempt) -> None:
        reads_sources(attempt)
        for name, client in (("hers", party.ann), ("mine", party.owner)):
            headers = {"authorization": client.headers["authorization"]}
            with httpx2.Client(base_url=str(client.base_url), headers=headers, timeout=20) as blocking:
                session = f"{party.conversation}/active-session?snapshot=true"
                seen[name] = blocking.get(session).json()["snapshot"]

    await answer(worker, run_id, work)
    assert seen["hers"]["text"] == seen["mine"]["text"] == "It is in a.py."
    assert CANARY in json.dumps(seen["mine"])
    assert CANARY not in json.dumps(seen["hers"])
    reset = await party.ann.get(f"{V1}/runs/{run_id}/events", headers={"last-event-id": "7-3"})
    events = events_of(reset.text)
    assert events[0][1] == "reset"
    assert CANARY not in json.dumps(events)
    assert json.loads(events[0][2])["snapshot"]["tool_calls"][0]["hidden"] is True


async def test_messages_and_stored_results_hide_them_until_the_repository_is_shared(
    party: Party, worker: WorkerResources
) -> None:
    run_id = await answered(party, worker)
    await party.share("ann@example.org")
    result = f"{V1}/runs/{run_id}/results/two"
    stored = (await messages(party.ann, party.conversation))[-1]
    one = (await party.ann.get(f"{party.conversation}/messages/{stored['id']}")).json()
    for shown in (stored, one):
        assert CANARY not in json.dumps(shown)
        assert shown["tool_calls"] == [
            {"call_id": call_id, "name": "read_file", "hidden": True} for call_id in ("one", "two")
        ]
        assert shown["citations"] == [CITATION]
        assert shown["content"] == "It is in a.py."
    assert (await party.ann.get(result)).status_code == 404
    await party.share_project("ann@example.org")
    assert CANARY in json.dumps(await messages(party.ann, party.conversation))
    assert (await party.ann.get(result)).status_code == 200


async def test_guests_see_no_excerpt_and_no_file(party: Party, worker: WorkerResources) -> None:
    run_id = await answered(party, worker)
    headers = link_header(await party.share(visibility="public", requires_sign_in=False))
    for path in (f"{party.conversation}/messages", f"{V1}/runs/{run_id}/events"):
        shown = await party.guest.get(path, headers=headers)
        assert (shown.status_code, CANARY in shown.text) == (200, False)
    file = f"{V1}/projects/{party.project_id}/file?path=a.py"
    assert (await party.guest.get(file, headers=headers)).status_code in (401, 404)


async def test_an_owner_who_may_not_see_the_repository_any_more_sees_no_excerpt_of_it(
    party: Party, worker: WorkerResources, engine: Engine
) -> None:
    await party.share_project("ann@example.org")
    begun = await party.ann.post(f"{V1}/conversations", json={"project_ids": [str(party.project_id)]})
    hers = f"{V1}/conversations/{begun.json()['conversation_id']}"
    run_id = str((await ask(party.ann, hers)).json()["run_id"])
    await answer(worker, run_id, reads_sources)
    assert CANARY in json.dumps(await messages(party.ann, hers))
    gone = {"emails": ["ann@example.org"]}
    await party.owner.request("DELETE", f"{V1}/projects/{party.project_id}/access", json=gone)
    assert CANARY not in json.dumps(await messages(party.ann, hers))
    assert CANARY not in json.dumps(await read_sse(party.ann, f"{V1}/runs/{run_id}/events"))
    assert (await ask(party.ann, hers)).json()["type"] == "/problems/repository-not-shared"


async def test_what_was_read_goes_with_its_repository(
    party: Party, worker: WorkerResources, engine: Engine
) -> None:
    run_id = await answered(party, worker)
    await party.share("ann@example.org")
    await party.share_project("ann@example.org")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM projects"))
    for client in (party.owner, party.ann):
        assert CANARY not in json.dumps(await messages(client, party.conversation))
        assert CANARY not in json.dumps(await read_sse(client, f"{V1}/runs/{run_id}/events"))


@pytest.mark.parametrize("removed", ["projects", "conversations"])
async def test_what_was_hidden_does_not_come_back_when_something_is_removed(
    party: Party, worker: WorkerResources, engine: Engine, removed: str
) -> None:
    await party.share_project("ann@example.org")
    begun = await party.ann.post(f"{V1}/conversations", json={"project_ids": [str(party.project_id)]})
    hers, key = f"{V1}/conversations/{begun.json()['conversation_id']}", {"Idempotency-Key": "once"}
    run_id = str((await ask(party.ann, hers, **key)).json()["run_id"])
    await answer(worker, run_id, reads_sources)
    gone = {"emails": ["ann@example.org"]}
    await party.owner.request("DELETE", f"{V1}/projects/{party.project_id}/access", json=gone)
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {removed}"))
    said = await read_sse(party.ann, f"{V1}/runs/{run_id}/events")
    assert [kind for _, kind, _ in said][-1] == "end"
    assert CANARY not in json.dumps(said)
    for stream in ("true", "false"):
        repeated = await party.ann.post(
            f"{hers}/message", params={"stream": stream}, json={"content": "Why?"}, headers=key
        )
        assert repeated.status_code == (200 if removed == "projects" else 404)
        assert CANARY not in repeated.text


async def test_what_is_left_of_the_repositories_can_be_asked_about(party: Party, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        project = session.get_one(Project, party.project_id)
        kept = ("user_id", "repo_name", "status", "branch_name", "files", "symbols", "indexed_at")
        other = Project(id=new_uuid(), source="/another", **{name: getattr(project, name) for name in kept})
        session.add(other)
        both = [str(party.project_id), str(other.id)]
    begun = await party.owner.post(f"{V1}/conversations", json={"project_ids": both})
    path = f"{V1}/conversations/{begun.json()['conversation_id']}"
    seen = []
    for removed in (None, *both):
        with engine.begin() as connection:
            connection.execute(delete(Project).where(Project.id == removed))
        info = (await party.owner.get(f"{path}/info")).json()
        asked = await ask(party.owner, path, if_busy="enqueue")
        seen.append((info["has_repositories"], info["hides_sources"], asked.status_code))
    assert seen == [(True, False, 202), (True, True, 202), (False, True, 409)]


def calls_in(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Its tool calls without what the tools said."""
    said = ("result", "pointer")
    return [{name: call[name] for name in call if name not in said} for call in message["tool_calls"]]


@pytest.mark.parametrize("sees_repository", [True, False])
async def test_a_copy_is_ones_own_with_what_one_was_shown(
    party: Party, worker: WorkerResources, sees_repository: bool
) -> None:
    await answered(party, worker)
    await party.share("ann@example.org")
    if sees_repository:
        await party.share_project("ann@example.org")
    copied = await party.ann.post(f"{party.conversation}/copy")
    assert copied.status_code == 201
    hers = f"{V1}/conversations/{copied.json()['conversation_id']}"
    original, copy = await messages(party.ann, party.conversation), await messages(party.ann, hers)
    same = ("content", "type", "turn", "citations", "created_at")
    assert [[one[name] for name in same] for one in copy] == [
        [one[name] for name in same] for one in original
    ]
    # A long result stays with the original's run: the copy has its beginning, not the pointer there.
    assert [calls_in(one) for one in copy] == [calls_in(one) for one in original]
    assert "pointer" not in json.dumps(copy)
    assert (CANARY in json.dumps(copy)) is sees_repository
    assert (await party.ann.get(f"{hers}/info")).json()["is_creator"] is True
    assert (await party.owner.get(f"{hers}/info")).status_code == 404
    assert (await ask(party.ann, hers)).status_code == (202 if sees_repository else 403)
    await party.remove("ann@example.org")
    await party.share_project("ann@example.org")
    assert (CANARY in json.dumps(await messages(party.ann, hers))) is sees_repository


async def test_a_question_that_waited_until_the_repository_was_taken_away_reads_nothing(
    party: Party, worker: WorkerResources
) -> None:
    await party.share("ann@example.org", role="ask")
    await party.share_project("ann@example.org")
    run_id = str((await ask(party.ann, party.conversation)).json()["run_id"])
    gone = {"emails": ["ann@example.org"]}
    await party.owner.request("DELETE", f"{V1}/projects/{party.project_id}/access", json=gone)
    await answer(worker, run_id)
    run = (await party.ann.get(f"{V1}/runs/{run_id}")).json()
    assert (run["status"], run["error"]["title"]) == ("error", "The repository is not shared with you")
    events = [kind for _, kind, _ in await read_sse(party.owner, f"{V1}/runs/{run_id}/events")]
    assert events == ["queued", "started", "end"]
