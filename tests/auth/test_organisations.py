"""Organisations: who may let whom in and out, that one owner stays, and that strangers learn nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, insert, select, text, update
from tests.support.live_api import client_of
from tests.support.lock_waits import waiting_for_locks
from tests.support.waiting import wait_until_async

from riverrun.auth import statements
from riverrun.auth.models import TokenKind
from riverrun.auth.organisation_statements import MOST_ORGANISATIONS
from riverrun.auth.revocations import Revocation
from riverrun.auth.sign_in import issue_bearer_token
from riverrun.auth.tokens import new_token
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember

ORGANISATIONS = "/api/v1/organisations"


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a client."""

    id: UUID
    email: str
    client: httpx2.AsyncClient


@dataclass(frozen=True)
class Team:
    """An organisation with one of each role, and somebody who is not in it."""

    id: str
    owner: Person
    admin: Person
    member: Person
    stranger: Person

    @property
    def members(self) -> str:
        return f"{ORGANISATIONS}/{self.id}/members"

    async def add(self, by: Person, email: str, role: str = "member") -> httpx2.Response:
        return await by.client.post(self.members, json={"email": email, "role": role})

    async def change(self, by: Person, whom: Person, role: str) -> httpx2.Response:
        return await by.client.patch(f"{self.members}/{whom.id}", json={"role": role})

    async def remove(self, by: Person, whom: Person) -> httpx2.Response:
        return await by.client.delete(f"{self.members}/{whom.id}")

    async def roles(self) -> dict[str, str]:
        return {one["email"]: one["role"] for one in (await self.owner.client.get(self.members)).json()}


def make_account(engine: Engine, name: str, *, is_verified: bool = True) -> UUID:
    user_id = new_uuid()
    values = {"id": user_id, "email": f"{name}@example.org", "display_name": name, "is_administrator": False}
    with engine.begin() as connection:
        verified_at = now() if is_verified else None
        connection.execute(insert(User).values(**values, email_verified_at=verified_at))
    return user_id


def fill_places(engine: Engine, person: Person, count: int) -> None:
    """Have the person in so many organisations."""
    places = [{"id": new_uuid(), "name": f"number {number}"} for number in range(count)]
    members = [{"organisation_id": one["id"], "user_id": person.id, "role": "member"} for one in places]
    with engine.begin() as connection:
        connection.execute(insert(Organisation), places)
        connection.execute(insert(OrganisationMember), members)


@pytest.fixture
async def team(base_url: str, engine: Engine) -> AsyncIterator[Team]:
    async with AsyncExitStack() as stack:
        people = {}
        for name in ("owner", "admin", "member", "stranger"):
            user_id = make_account(engine, name)
            client = await stack.enter_async_context(
                client_of(base_url, issue_bearer_token(engine, user_id, "test"))
            )
            people[name] = Person(user_id, f"{name}@example.org", client)
        made = await people["owner"].client.post(ORGANISATIONS, json={"name": " The team "})
        assert made.status_code == 201, made.text
        team = Team(made.json()["id"], **people)
        for name in ("admin", "member"):
            assert (await team.add(team.owner, f"{name}@EXAMPLE.org", name)).status_code == 201
        yield team


async def test_whoever_makes_one_owns_it_and_everybody_in_it_sees_who_is_in(team: Team) -> None:
    [mine] = (await team.owner.client.get(ORGANISATIONS)).json()
    assert (mine["name"], mine["role"]) == ("The team", "owner")
    for person in (team.owner, team.admin, team.member):
        seen = (await person.client.get(team.members)).json()
        assert [one["role"] for one in seen] == ["owner", "admin", "member"]
    assert (await team.stranger.client.get(ORGANISATIONS)).json() == []


async def test_to_a_stranger_it_is_an_unknown_one(team: Team) -> None:
    unknown = f"{ORGANISATIONS}/{new_uuid()}"
    theirs = f"{ORGANISATIONS}/{team.id}"
    for method, path, body in [
        ("GET", "/members", None),
        ("POST", "/members", {"email": "stranger@example.org"}),
        ("PATCH", f"/members/{team.member.id}", {"role": "admin"}),
        ("DELETE", f"/members/{team.member.id}", None),
        ("DELETE", f"/members/{team.stranger.id}", None),
        ("GET", "/invitations", None),
        ("DELETE", f"/invitations/{new_uuid()}", None),
        ("DELETE", "", None),
    ]:
        answers = [
            await team.stranger.client.request(method, base + path, json=body) for base in (theirs, unknown)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


async def test_a_member_looks_and_leaves_and_does_no_more(team: Team) -> None:
    assert (await team.add(team.member, "stranger@example.org")).status_code == 403
    assert (await team.change(team.member, team.member, "admin")).status_code == 403
    assert (await team.remove(team.member, team.admin)).status_code == 403
    assert (await team.member.client.delete(f"{ORGANISATIONS}/{team.id}")).status_code == 403
    assert (await team.remove(team.member, team.member)).status_code == 204
    assert (await team.member.client.get(team.members)).status_code == 404


async def test_an_admin_rules_over_members_and_admins_but_not_over_owners(team: Team) -> None:
    assert (await team.add(team.admin, "stranger@example.org", "owner")).status_code == 403
    assert (await team.change(team.admin, team.owner, "member")).status_code == 403
    assert (await team.remove(team.admin, team.owner)).status_code == 403
    assert (await team.change(team.admin, team.admin, "owner")).status_code == 403
    assert (await team.add(team.admin, "stranger@example.org", "admin")).status_code == 201
    assert (await team.change(team.admin, team.stranger, "member")).status_code == 204
    assert (await team.remove(team.admin, team.stranger)).status_code == 204
    assert (await team.admin.client.delete(f"{ORGANISATIONS}/{team.id}")).status_code == 403


async def test_the_last_owner_can_neither_leave_nor_become_less(team: Team) -> None:
    for refused in (
        await team.remove(team.owner, team.owner),
        await team.change(team.owner, team.owner, "member"),
    ):
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/last-owner"
    assert (await team.change(team.owner, team.admin, "owner")).status_code == 204
    assert (await team.remove(team.owner, team.owner)).status_code == 204


async def test_two_owners_who_leave_at_once_leave_one_of_them_behind(team: Team) -> None:
    assert (await team.change(team.owner, team.admin, "owner")).status_code == 204
    left = await asyncio.gather(team.remove(team.owner, team.owner), team.remove(team.admin, team.admin))
    assert sorted(answer.status_code for answer in left) == [204, 409]


async def test_a_member_is_added_once(team: Team) -> None:
    assert (await team.add(team.owner, "member@example.org", "admin")).status_code == 409
    assert (await team.roles())["member@example.org"] == "member"


async def test_an_address_that_was_never_verified_is_nobodys(team: Team, engine: Engine) -> None:
    """Else whoever signs up with a colleague's address would be let in for them."""
    make_account(engine, "impostor", is_verified=False)
    refused = await team.add(team.owner, "impostor@example.org")
    unknown = await team.add(team.owner, "nobody@example.org")
    assert (refused.status_code, refused.content) == (409, unknown.content)
    assert refused.json()["type"] == "/problems/no-such-account"


async def test_an_administrator_of_the_server_invites_whom_it_does_not_know(
    team: Team, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(update(User).where(User.id == team.owner.id).values(is_administrator=True))
    added = await team.add(team.owner, "New@example.org", "admin")
    assert added.json() == {"email": "new@example.org", "role": "admin", "user_id": None, "is_invited": True}
    with engine.begin() as connection:
        kept = connection.execute(select(Invitation.organisation_id, Invitation.role, Invitation.email)).all()
    assert kept == [(UUID(team.id), "admin", "new@example.org")]


async def test_whoever_is_out_has_their_streams_looked_at(team: Team, engine: Engine) -> None:
    await team.remove(team.admin, team.member)
    await team.owner.client.delete(f"{ORGANISATIONS}/{team.id}")
    with engine.begin() as connection:
        looked_at = connection.scalars(select(Revocation.user_id).order_by(Revocation.id)).all()
    assert looked_at[0] == team.member.id
    assert set(looked_at[1:]) == {team.owner.id, team.admin.id}
    assert (await team.owner.client.get(ORGANISATIONS)).json() == []


async def test_what_is_deleted_twice_at_once_is_gone_for_the_second(team: Team, engine: Engine) -> None:
    path = f"{ORGANISATIONS}/{team.id}"
    assert (await team.change(team.owner, team.admin, "owner")).status_code == 204
    with engine.begin() as nobody_is_done:
        nobody_is_done.execute(text("LOCK TABLE revocations IN ACCESS EXCLUSIVE MODE"))
        deleting = [asyncio.create_task(one.client.delete(path)) for one in (team.owner, team.admin)]
        await wait_until_async(lambda: waiting_for_locks(engine) == 2)
    assert sorted([(await one).status_code for one in deleting]) == [204, 404]


async def test_nobody_is_in_more_than_a_hundred(team: Team) -> None:
    for number in range(MOST_ORGANISATIONS):
        made = await team.stranger.client.post(ORGANISATIONS, json={"name": f"number {number}"})
        assert made.status_code == 201
    refused = await team.stranger.client.post(ORGANISATIONS, json={"name": "one more"})
    assert refused.json()["type"] == "/problems/too-many-organisations"


async def test_others_let_nobody_into_more_than_a_hundred_and_are_told_whose_places_are_full(
    team: Team, engine: Engine
) -> None:
    fill_places(engine, team.stranger, MOST_ORGANISATIONS)
    refused = await team.add(team.owner, team.stranger.email)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-organisations")
    assert "stranger@example.org is in 100 organisations" in refused.json()["detail"]
    assert team.stranger.email not in await team.roles()


async def test_many_who_take_the_last_place_at_once_are_counted_one_by_one(
    team: Team, engine: Engine
) -> None:
    fill_places(engine, team.stranger, MOST_ORGANISATIONS - 1)
    making = [team.stranger.client.post(ORGANISATIONS, json={"name": "the last"}) for _ in range(30)]
    made = await asyncio.gather(team.add(team.owner, team.stranger.email), *making)
    assert sum(one.status_code == 201 for one in made) == 1


class TestOpenServer:
    """Where everybody may sign up, everybody may invite; the answer tells nobody who has an account."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sign_up": "open"})

    async def test_an_unknown_address_and_an_unproven_one_are_invited_alike(
        self, team: Team, engine: Engine
    ) -> None:
        make_account(engine, "unproven", is_verified=False)
        for name in ("unproven", "nobody"):
            added = await team.add(team.owner, f"{name}@example.org")
            assert added.status_code == 201
            assert added.json()["is_invited"]
            assert "token" not in added.text

    async def test_an_admin_sees_and_takes_back_whom_others_invited_but_no_owner_to_be(
        self, team: Team
    ) -> None:
        invitations = f"{ORGANISATIONS}/{team.id}/invitations"
        for email, role in (("friend@example.org", "member"), ("chief@example.org", "owner")):
            assert (await team.add(team.owner, email, role)).json()["is_invited"]
        chief, friend = (await team.admin.client.get(invitations)).json()
        assert (friend["email"], friend["role"], chief["role"]) == ("friend@example.org", "member", "owner")
        assert "token" not in friend
        assert (await team.member.client.get(invitations)).status_code == 403
        assert (await team.member.client.delete(f"{invitations}/{friend['id']}")).status_code == 403
        assert (await team.admin.client.delete(f"{invitations}/{chief['id']}")).status_code == 403
        for expected in (204, 404):
            again = await team.admin.client.delete(f"{invitations}/{friend['id']}")
            assert again.status_code == expected
        assert (await team.owner.client.get(invitations)).json() == [chief]

    async def test_invitations_of_another_organisation_are_not_there(self, team: Team) -> None:
        await team.add(team.owner, "friend@example.org")
        [friend] = (await team.owner.client.get(f"{ORGANISATIONS}/{team.id}/invitations")).json()
        mine = (await team.stranger.client.post(ORGANISATIONS, json={"name": "Mine"})).json()["id"]
        assert (await team.stranger.client.get(f"{ORGANISATIONS}/{mine}/invitations")).json() == []
        gone = await team.stranger.client.delete(f"{ORGANISATIONS}/{mine}/invitations/{friend['id']}")
        assert gone.status_code == 404

    async def test_whoever_proves_an_invited_address_is_in(self, team: Team, engine: Engine) -> None:
        unproven = make_account(engine, "unproven", is_verified=False)
        await team.add(team.owner, "unproven@example.org", "admin")
        assert "unproven@example.org" not in await team.roles()
        token, hour = new_token(), timedelta(hours=1)
        with engine.begin() as connection:
            connection.execute(
                statements.insert_token(unproven, TokenKind.EMAIL_VERIFICATION, token, lifetime=hour)
            )
        bearer = issue_bearer_token(engine, unproven, "test")
        async with client_of(str(team.stranger.client.base_url), bearer) as client:
            confirmed = await client.post("/api/v1/email-verification/confirm", json={"token": token})
        assert confirmed.status_code == 204
        assert (await team.roles())["unproven@example.org"] == "admin"

    @pytest.mark.parametrize("role", ["member", None])
    async def test_who_may_invite_no_longer_has_let_in_nobody_who_still_waits(
        self, team: Team, engine: Engine, role: str | None
    ) -> None:
        """Else an admin who is thrown out comes back by an address that was invited before, as an admin."""
        for by, name in ((team.admin, "friend"), (team.owner, "other")):
            assert (await team.add(by, f"{name}@example.org", "admin")).json()["is_invited"]
        if role:
            assert (await team.change(team.owner, team.admin, role)).status_code == 204
        else:
            assert (await team.remove(team.owner, team.admin)).status_code == 204
        with engine.connect() as connection:
            waiting = connection.execute(select(Invitation.email)).scalars().all()
        assert waiting == ["other@example.org"]
