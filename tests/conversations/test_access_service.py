"""Sharing a conversation: by name, by link, with organisations, and taking it back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, delete, func, select, text
from tests.conversations.sharing_party import V1, Party, link_header, party_at
from tests.support.accounts import make_person
from tests.support.asking import ask
from tests.support.live_api import client_of
from tests.support.lock_waits import waiting_for_locks
from tests.support.waiting import wait_until_async

from riverrun.auth.grants import Grant
from riverrun.auth.revocations import Revocation
from riverrun.auth.subject_shares import MOST_LINKS
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run
from riverrun.users.organisations import Organisation


@pytest.fixture
async def party(
    base_url: str, engine: Engine, client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        yield party


async def test_whoever_is_named_sees_it_and_nobody_else_does(party: Party) -> None:
    info = f"{party.conversation}/info"
    assert (await party.ann.get(info)).status_code == 404
    shared = await party.share("Ann@Example.org")
    assert (shared["sharedID"], shared["sharedEmails"]) == (party.conversation_id, ["ann@example.org"])
    seen = (await party.ann.get(info)).json()
    assert (seen["access_type"], seen["is_creator"], seen["visibility"]) == ("read", False, "private")
    mine = (await party.owner.get(info)).json()
    assert (mine["access_type"], mine["is_creator"], mine["creator_id"]) == (
        "write",
        True,
        seen["creator_id"],
    )
    assert (await party.bob.get(info)).status_code == 404
    assert (await party.guest.get(info)).status_code == 401


async def test_what_is_shared_is_listed_apart_from_what_is_ones_own(party: Party) -> None:
    await party.share("ann@example.org")
    listed = (await party.ann.get(f"{V1}/conversations?shared=true")).json()
    assert [conversation["id"] for conversation in listed] == [party.conversation_id]
    assert (await party.ann.get(f"{V1}/conversations")).json() == []
    assert (await party.owner.get(f"{V1}/conversations?shared=true")).json() == []


async def test_an_address_that_nobody_has_proven_to_be_theirs_opens_nothing(
    party: Party, base_url: str, engine: Engine
) -> None:
    await party.share("eve@example.org")
    eve = make_person(engine, "eve@example.org", is_verified=False)
    async with client_of(base_url, eve.token) as client:
        assert (await client.get(f"{party.conversation}/info")).status_code == 404


async def test_who_may_look_may_not_change_and_is_told_so(party: Party) -> None:
    await party.share("ann@example.org")
    ann = party.ann
    refused = [
        await ask(ann, party.conversation),
        await ann.post(f"{party.conversation}/regenerate"),
        await ann.post(f"{party.conversation}/stop"),
        await ann.patch(f"{party.conversation}/rename", json={"title": "Mine"}),
        await ann.delete(party.conversation),
        await ann.get(f"{party.conversation}/shares"),
        await ann.get(f"{party.conversation}/shared-emails"),
        await ann.request("DELETE", f"{party.conversation}/access", json={"emails": ["ann@example.org"]}),
        await ann.post(f"{V1}/conversations/share", json={"conversation_id": party.conversation_id}),
    ]
    assert [response.status_code for response in refused] == [403] * len(refused)


async def test_a_stranger_and_an_unknown_id_are_told_the_same_byte_for_byte(party: Party) -> None:
    def paths(conversation_id: object) -> list[tuple[str, str, object]]:
        conversation = f"{V1}/conversations/{conversation_id}"
        return [
            ("GET", f"{conversation}/info", None),
            ("GET", f"{conversation}/messages", None),
            ("GET", f"{conversation}/shares", None),
            ("PUT", f"{conversation}/shares", {"people": []}),
            ("GET", f"{conversation}/shared-emails", None),
            ("DELETE", f"{conversation}/access", {"emails": ["a@example.org"]}),
            ("DELETE", f"{conversation}/links/{conversation_id}", None),
            ("POST", f"{conversation}/copy", None),
            ("POST", f"{V1}/conversations/share", {"conversation_id": str(conversation_id)}),
        ]

    for known, unknown in zip(paths(party.conversation_id), paths(new_uuid()), strict=True):
        answers = [
            await party.bob.request(method, path, json=body) for method, path, body in (known, unknown)
        ]
        assert [response.status_code for response in answers] == [404, 404], known
        assert answers[0].content == answers[1].content


async def test_asking_takes_the_right_to_ask_and_the_repository(party: Party, engine: Engine) -> None:
    await party.share("ann@example.org", role="ask")
    refused = await ask(party.ann, party.conversation)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/repository-not-shared")
    await party.share_project("ann@example.org")
    asked = await ask(party.ann, party.conversation)
    assert asked.status_code == 202
    with engine.connect() as connection:
        run = connection.execute(select(Run.user_id, Run.owner_id)).one()
    owner_id = (await party.owner.get(f"{V1}/account/me")).json()["user_id"]
    asker_id = (await party.ann.get(f"{V1}/account/me")).json()["user_id"]
    assert (str(run.user_id), str(run.owner_id)) == (asker_id, owner_id)
    info = (await party.ann.get(f"{party.conversation}/info")).json()
    assert (info["access_type"], info["hides_sources"]) == ("write", False)


async def test_an_answer_is_stopped_by_who_asked_and_by_the_owner_only(party: Party) -> None:
    await party.share("ann@example.org", "bob@example.org", role="ask")
    await party.share_project("ann@example.org", "bob@example.org")
    run_id = (await ask(party.ann, party.conversation)).json()["run_id"]
    for path in (f"{party.conversation}/stop", f"{V1}/runs/{run_id}/stop"):
        assert (await party.bob.post(path)).status_code == 403
    for if_busy in ("interrupt", "rollback"):
        assert (await ask(party.bob, party.conversation, if_busy=if_busy)).status_code == 403
    assert (await party.ann.post(f"{V1}/runs/{run_id}/stop")).json()["status"] == "cancelled"
    again = (await ask(party.bob, party.conversation)).json()["run_id"]
    assert (await party.owner.post(f"{V1}/runs/{again}/stop")).json()["status"] == "cancelled"


async def test_removing_somebody_shuts_them_out_and_naming_nobody_who_is_in_is_refused(party: Party) -> None:
    await party.share("ann@example.org", "bob@example.org")
    await party.remove("ANN@example.org")
    assert (await party.ann.get(f"{party.conversation}/info")).status_code == 404
    assert (await party.bob.get(f"{party.conversation}/info")).status_code == 200
    for emails in ([], ["ann@example.org"]):
        again = await party.owner.request("DELETE", f"{party.conversation}/access", json={"emails": emails})
        assert again.status_code == 400
    assert (await party.owner.get(f"{party.conversation}/shared-emails")).json() == ["bob@example.org"]


async def test_the_list_that_is_put_is_all_who_are_in_by_name(party: Party) -> None:
    await party.share("ann@example.org")
    people = [{"email": "Bob@example.org", "role": "ask"}]
    shares = (await party.owner.put(f"{party.conversation}/shares", json={"people": people})).json()
    assert [(person["email"], person["role"]) for person in shares["people"]] == [("bob@example.org", "ask")]
    assert (await party.ann.get(f"{party.conversation}/info")).status_code == 404
    assert (await party.bob.get(f"{party.conversation}/info")).json()["access_type"] == "write"


async def test_an_open_link_shows_the_conversation_to_guests_who_can_change_nothing(party: Party) -> None:
    headers = link_header(await party.share(visibility="public", requires_sign_in=False))
    info = (await party.guest.get(f"{party.conversation}/info", headers=headers)).json()
    assert (info["access_type"], info["visibility"]) == ("read", "public")
    assert (await party.guest.get(f"{V1}/conversations", headers=headers)).json() == []
    for method, path in (("POST", "message"), ("POST", "copy"), ("GET", "shares")):
        answer = await party.guest.request(method, f"{party.conversation}/{path}", headers=headers)
        assert answer.status_code == 401


async def test_a_link_that_asks_for_an_account_opens_nothing_without_one(party: Party) -> None:
    headers = link_header(await party.share(visibility="public", role="ask"))
    info = f"{party.conversation}/info"
    assert (await party.guest.get(info, headers=headers)).status_code == 404
    assert (await party.ann.get(info, headers=headers)).json()["access_type"] == "write"
    assert (await party.ann.get(info)).status_code == 404


async def test_an_invented_link_renders_nothing(party: Party) -> None:
    open_link = link_header(await party.share(visibility="public", requires_sign_in=False))
    closed_link = link_header(await party.share(visibility="public"))
    for headers, status in ((open_link, 200), (closed_link, 401), ({"x-share-link": "invented"}, 401)):
        shown = await party.guest.post(f"{V1}/markdown", json={"text": "*so*"}, headers=headers)
        assert shown.status_code == status


async def test_a_browser_keeps_the_links_it_opens_in_a_cookie_that_no_script_reads(party: Party) -> None:
    for _ in range(2):
        url = (await party.share(visibility="public", requires_sign_in=False))["link"]["url"]
        opened = await party.guest.get(f"/s/{url.rpartition('/')[2]}")
        assert (opened.status_code, opened.headers["location"]) == (303, f"/c/{party.conversation_id}")
        assert "HttpOnly" in opened.headers["set-cookie"]
    assert (await party.guest.get(f"{party.conversation}/messages")).status_code == 200
    assert len(party.guest.cookies["riverrun_links"].split(".")) == 2


async def test_a_link_that_opens_nothing_leads_where_every_unknown_conversation_is(party: Party) -> None:
    opened = await party.guest.get("/s/rr_" + "x" * 43)
    assert opened.status_code == 303
    assert "set-cookie" not in opened.headers


async def test_a_link_ends_with_its_time_and_with_its_removal(party: Party, engine: Engine) -> None:
    info = f"{party.conversation}/info"
    first = await party.share(visibility="public", expires_at=in_a_day())
    second = await party.share(visibility="public")
    let_run_out(engine)
    assert (await party.ann.get(info, headers=link_header(first))).status_code == 404
    assert (await party.ann.get(info, headers=link_header(second))).status_code == 200
    removed = await party.owner.delete(f"{party.conversation}/links/{second['link']['id']}")
    assert removed.status_code == 204
    assert (await party.ann.get(info, headers=link_header(second))).status_code == 404
    past = {"conversation_id": party.conversation_id, "expires_at": now().isoformat()}
    assert (await party.owner.post(f"{V1}/conversations/share", json=past)).status_code == 422


async def test_links_that_have_run_out_take_no_place(party: Party, engine: Engine) -> None:
    for _ in range(MOST_LINKS):
        await party.share(visibility="public", expires_at=in_a_day())
    full = {"conversation_id": party.conversation_id, "visibility": "public"}
    refused = await party.owner.post(f"{V1}/conversations/share", json=full)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-shares")
    let_run_out(engine)
    fresh = await party.share(visibility="public")
    shares = (await party.owner.get(f"{party.conversation}/shares")).json()
    assert [link["id"] for link in shares["links"]] == [fresh["link"]["id"]]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Grant)) == 1
        looked_at = connection.scalars(select(Revocation.subject_id)).all()
    assert looked_at == [UUID(party.conversation_id)]


async def test_a_link_that_has_run_out_takes_nobody_with_it(party: Party, engine: Engine) -> None:
    organisation_id = (await party.owner.post(f"{V1}/organisations", json={"name": "Team"})).json()["id"]
    await party.share("ann@example.org", organisation_ids=[organisation_id])
    await party.share(visibility="public", expires_at=in_a_day())
    let_run_out(engine)
    shared = await party.share("bob@example.org")
    assert shared["sharedEmails"] == ["ann@example.org", "bob@example.org"]
    shares = (await party.owner.get(f"{party.conversation}/shares")).json()
    assert len(shares["organisations"]) == 1


async def test_going_private_ends_links_and_leaves_nobody_in_silently(party: Party) -> None:
    await party.share("ann@example.org")
    headers = link_header(await party.share(visibility="public"))
    shared = await party.share("bob@example.org")
    assert shared["sharedEmails"] == ["bob@example.org"]
    info = f"{party.conversation}/info"
    assert (await party.ann.get(info, headers=headers)).status_code == 404
    assert (await party.bob.get(info)).json()["visibility"] == "private"


async def test_whoever_is_named_twice_is_let_in_once(party: Party) -> None:
    organisation_id = (await party.owner.post(f"{V1}/organisations", json={"name": "Team"})).json()["id"]
    twice = {"organisation_ids": [organisation_id, organisation_id]}
    shared = await party.share("ann@example.org", "bob@example.org", " Ann@Example.org", **twice)
    assert shared["sharedEmails"] == ["ann@example.org", "bob@example.org"]
    project = f"{V1}/projects/{party.project_id}"
    share = {"recipientEmails": ["ann@example.org", "ANN@example.org"], **twice}
    assert (await party.owner.post(f"{project}/share", json=share)).status_code == 201
    for path in (f"{party.conversation}/shares", f"{project}/shares"):
        shares = (await party.owner.get(path)).json()
        assert len(shares["organisations"]) == 1
    assert [person["email"] for person in shares["people"]] == ["ann@example.org"]


async def test_a_field_that_sharing_does_not_know_is_refused_and_not_dropped(party: Party) -> None:
    for path, body in (
        (f"{V1}/projects/{party.project_id}/share", {}),
        (f"{V1}/conversations/share", {"conversation_id": party.conversation_id}),
    ):
        refused = await party.owner.post(path, json={**body, "emails": ["ann@example.org"]})
        assert refused.status_code == 422
        assert "emails" in refused.json()["detail"]


async def test_naming_more_people_keeps_those_who_are_named(party: Party) -> None:
    await party.share("ann@example.org")
    shared = await party.share("bob@example.org", role="ask")
    assert shared["sharedEmails"] == ["ann@example.org", "bob@example.org"]


async def test_a_repository_that_is_shared_with_an_organisation_is_indexed_once_for_all_members(
    party: Party,
) -> None:
    made = await party.owner.post(f"{V1}/organisations", json={"name": "Team"})
    organisation_id = made.json()["id"]
    project = f"{V1}/projects/{party.project_id}"
    share = {"organisation_ids": [organisation_id]}
    assert (await party.owner.post(f"{project}/share", json=share)).status_code == 201
    assert (await party.ann.get(f"{V1}/projects/list")).json() == []
    member = {"email": "ann@example.org", "role": "member"}
    added = await party.owner.post(f"{V1}/organisations/{organisation_id}/members", json=member)
    assert added.status_code == 201, added.text
    assert [one["id"] for one in (await party.ann.get(f"{V1}/projects/list")).json()] == [
        str(party.project_id)
    ]
    begun = await party.ann.post(f"{V1}/conversations", json={"project_ids": [str(party.project_id)]})
    assert begun.status_code == 201
    search = {"project_id": str(party.project_id), "query": "start"}
    assert (await party.ann.post(f"{V1}/search", json=search)).status_code == 200
    assert (await party.ann.delete(project)).status_code == 403
    gone = await party.owner.request("DELETE", f"{project}/access", json=share)
    assert gone.status_code == 200
    assert (await party.ann.post(f"{V1}/search", json=search)).status_code == 404


async def test_nothing_can_be_shared_with_an_organisation_that_one_is_not_in(party: Party) -> None:
    organisation_id = (await party.ann.post(f"{V1}/organisations", json={"name": "Team"})).json()["id"]
    for path, body in (
        (f"{V1}/projects/{party.project_id}/share", {}),
        (f"{V1}/conversations/share", {"conversation_id": party.conversation_id}),
    ):
        share = {**body, "organisation_ids": [organisation_id]}
        assert (await party.owner.post(path, json=share)).status_code == 404


@pytest.mark.parametrize("subject", ["project", "conversation"])
async def test_nothing_is_shared_with_an_organisation_that_is_deleted_meanwhile(
    party: Party, engine: Engine, subject: str
) -> None:
    organisation_id = (await party.owner.post(f"{V1}/organisations", json={"name": "Team"})).json()["id"]
    path, body = {
        "project": (f"{V1}/projects/{party.project_id}/share", {}),
        "conversation": (f"{V1}/conversations/share", {"conversation_id": party.conversation_id}),
    }[subject]
    share = {**body, "organisation_ids": [organisation_id]}
    with engine.begin() as deleting:
        deleting.execute(delete(Organisation).where(Organisation.id == UUID(organisation_id)))
        sharing = asyncio.create_task(party.owner.post(path, json=share))
        await wait_until_async(lambda: waiting_for_locks(engine) == 1)
    assert (await sharing).status_code == 404


def in_a_day() -> str:
    return (now() + timedelta(days=1)).isoformat()


def let_run_out(engine: Engine) -> None:
    """Whatever was given for a time is over."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE grants SET expires_at = now() WHERE expires_at IS NOT NULL"))
