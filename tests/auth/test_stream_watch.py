"""Open streams end with the right to read them, whatever took it away; all others go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import Engine, event, func, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conversations.sharing_party import V1, Party, link_header, party_at
from tests.support.accounts import Person, make_person
from tests.support.asking import ask
from tests.support.fault_proxy import FaultProxy
from tests.support.live_api import client_of, serving
from tests.support.stories import make_run, text_event
from tests.support.waiting import wait_until_async

from riverrun.auth.grant_statements import note_revocation
from riverrun.auth.grants import Grant, Right
from riverrun.auth.models import AccessToken
from riverrun.auth.principal import Principal, guest
from riverrun.auth.revocations import Revocation
from riverrun.auth.stream_watch import ReadingPermit, StreamWatch
from riverrun.auth.tokens import token_hash
from riverrun.conversations.models import Conversation
from riverrun.conversations.reading_statements import still_readable_runs
from riverrun.infra.database import open_async_engine
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

PATIENCE_SECONDS = 15
"""Far more than the two seconds that are promised: a slow machine makes no test fail."""


@pytest.fixture
async def party(
    base_url: str, engine: Engine, client: httpx2.AsyncClient, conversation: str, project_id: UUID
) -> AsyncIterator[Party]:
    async with party_at(base_url, engine, client, conversation, project_id) as party:
        yield party


@asynccontextmanager
async def reading(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str]
) -> AsyncIterator["OpenStream"]:
    """A stream that is open: its first event has come."""
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        stream = OpenStream(response.aiter_lines())
        await stream.until("event: queued")
        yield stream


class OpenStream:
    """The lines of a stream as they come."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def until(self, wanted: str) -> None:
        """Read up to a line."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                if line == wanted:
                    return
        raise AssertionError(f"the stream ended before {wanted!r}")

    async def rest(self) -> list[str]:
        """Read to the close, for which the server has to see."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [line async for line in self._lines]


async def by_name(party: Party, engine: Engine) -> dict[str, str]:
    await party.share("ann@example.org")
    return {}


async def by_link(party: Party, engine: Engine) -> dict[str, str]:
    return link_header(await party.share(visibility="public"))


async def shut_out(party: Party, engine: Engine) -> None:
    await party.remove("ann@example.org")


async def put_nobody(party: Party, engine: Engine) -> None:
    await party.owner.put(f"{party.conversation}/shares", json={"people": []})


async def go_private(party: Party, engine: Engine) -> None:
    await party.share("bob@example.org")


async def remove_the_link(party: Party, engine: Engine) -> None:
    shares = (await party.owner.get(f"{party.conversation}/shares")).json()
    await party.owner.delete(f"{party.conversation}/links/{shares['links'][0]['id']}")


async def let_the_share_run_out(party: Party, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(Grant.__table__.update().values(expires_at=func.clock_timestamp()))


async def let_the_token_run_out(party: Party, engine: Engine) -> None:
    hers = token_hash(party.ann.headers["authorization"].removeprefix("Bearer "))
    with engine.begin() as connection:
        connection.execute(
            AccessToken.__table__.update()
            .where(AccessToken.token_hash == hers)
            .values(expires_at=func.clock_timestamp())
        )


async def disable_the_account(party: Party, engine: Engine) -> None:
    with engine.begin() as connection:
        user_id = connection.execute(
            text("UPDATE users SET disabled_at = now() WHERE email = 'ann@example.org' RETURNING id")
        ).scalar_one()
        connection.execute(note_revocation(user_id=user_id))


@pytest.mark.parametrize(
    ("let_in", "take_away"),
    [
        (by_name, shut_out),
        (by_name, put_nobody),
        (by_name, let_the_share_run_out),
        (by_name, let_the_token_run_out),
        (by_name, disable_the_account),
        (by_link, remove_the_link),
        (by_link, go_private),
        (by_link, let_the_share_run_out),
    ],
)
async def test_a_stream_ends_with_the_right_to_read_it(
    party: Party,
    engine: Engine,
    let_in: Callable[[Party, Engine], Awaitable[dict[str, str]]],
    take_away: Callable[[Party, Engine], Awaitable[None]],
) -> None:
    headers = await let_in(party, engine)
    run_id = (await ask(party.owner, party.conversation)).json()["run_id"]
    path = f"{V1}/runs/{run_id}/events"
    async with reading(party.ann, path, headers) as stream:
        await take_away(party, engine)
        assert "event: end" not in await stream.rest()
    assert (await party.ann.get(path, headers=headers)).status_code in (401, 404)


async def test_the_owners_stream_goes_on_when_another_readers_is_cut(
    party: Party, async_streams: AsyncRedisStreamManager
) -> None:
    await party.share("ann@example.org")
    run_id = (await ask(party.owner, party.conversation)).json()["run_id"]
    path = f"{V1}/runs/{run_id}/events"
    async with reading(party.owner, path, {}) as mine, reading(party.ann, path, {}) as hers:
        await party.remove("ann@example.org")
        await hers.rest()
        await async_streams.publish_event(UUID(run_id), text_event(2))
        await mine.until("event: text")


async def test_of_many_runs_over_one_connection_those_that_are_still_shared_go_on(
    party: Party, async_streams: AsyncRedisStreamManager
) -> None:
    await party.share("ann@example.org")
    begun = await party.owner.post(f"{V1}/conversations", json={"project_ids": [str(party.project_id)]})
    other = begun.json()["conversation_id"]
    share = {"conversation_id": other, "recipientEmails": ["ann@example.org"]}
    await party.owner.post(f"{V1}/conversations/share", json=share)
    lost = (await ask(party.owner, party.conversation)).json()["run_id"]
    kept = (await ask(party.owner, f"{V1}/conversations/{other}")).json()["run_id"]
    path = f"{V1}/runs/events?run={lost}&run={kept}"
    async with reading(party.ann, path, {}) as stream:
        await stream.until("event: queued")
        await party.remove("ann@example.org")
        await stream.rest()
    async with party.ann.stream("GET", path, headers={"last-event-id": "1-1,1-1"}) as response:
        again = OpenStream(response.aiter_lines())
        await again.until("event: problem")
        await async_streams.publish_event(UUID(kept), text_event(2))
        await again.until("event: text")


async def test_a_session_that_is_closed_and_a_key_that_is_revoked_end_their_streams(
    party: Party, base_url: str, engine: Engine
) -> None:
    run_id = (await ask(party.owner, party.conversation)).json()["run_id"]
    made = (await party.owner.post(f"{V1}/api-keys", json={"name": "a test"})).json()
    async with client_of(base_url) as program:
        headers = {"x-api-key": made["key"]}
        async with reading(program, f"/api/v2/runs/{run_id}/events", headers) as stream:
            await party.owner.delete(f"{V1}/api-keys/{made['id']}")
            await stream.rest()


@pytest.mark.parametrize("kind", ["hub", "threadpool"])
async def test_either_reader_ends_a_stream_that_begins_with_the_post(
    settings: Settings, engine: Engine, user_id: UUID, project_id: UUID, kind: str
) -> None:
    person = make_person(engine, "owner@example.org")
    with engine.begin() as connection:
        connection.execute(text("UPDATE projects SET user_id = :id"), {"id": person.user_id})
    chosen = settings.model_copy(update={"stream_reader": kind})
    async with serving(chosen) as url, client_of(url, person.token) as client:
        begun = await client.post(f"{V1}/conversations", json={"project_ids": [str(project_id)]})
        path = f"{V1}/conversations/{begun.json()['conversation_id']}/message"
        async with client.stream("POST", path, json={"content": "Why?"}) as response:
            stream = OpenStream(response.aiter_lines())
            await stream.until("event: queued")
            with engine.begin() as connection:
                connection.execute(
                    text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": person.user_id}
                )
                connection.execute(note_revocation(user_id=person.user_id))
            assert "event: end" not in await stream.rest()


class Watched:
    """A permit that is held, and whether it was lost."""

    def __init__(self, permit: ReadingPermit) -> None:
        self.is_lost = False
        self._held = permit.held(self._lose)
        self._held.__enter__()

    def _lose(self) -> None:
        self.is_lost = True

    def close(self) -> None:
        self._held.__exit__(None, None, None)


@pytest.fixture
def ann(engine: Engine) -> Person:
    return make_person(engine, "ann@example.org")


@pytest.fixture
def shared_run(engine: Engine, user_id: UUID, project_id: UUID, ann: Person) -> UUID:
    """A run in a conversation that Ann may see."""
    conversation_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(
            insert(Conversation).values(
                id=conversation_id, user_id=user_id, title="", status="active", project_ids=[project_id],
                agent_ids=[], local_mode=False, created_at=now(), updated_at=now(),
            )
        )  # fmt: skip
        connection.execute(
            insert(Grant).values(
                id=new_uuid(), conversation_id=conversation_id, email=ann.email, right=Right.VIEW,
                requires_sign_in=True, created_at=now(),
            )
        )  # fmt: skip
    return make_run(engine, user_id, subject_id=conversation_id)


def permit_of(watch: StreamWatch, engine: Engine, ann: Person, run_id: UUID) -> ReadingPermit:
    with engine.connect() as connection:
        token_id = connection.scalar(select(AccessToken.id).where(AccessToken.user_id == ann.user_id))
        subject_id = connection.scalar(text("SELECT subject_id FROM runs WHERE id = :id"), {"id": run_id})
    principal = Principal(ann.user_id, ann.email, "Ann", False, ann.email, token_id)
    return watch.permit(principal, {run_id: True}, frozenset([subject_id]))


def shut_ann_out(engine: Engine) -> None:
    with engine.begin() as connection:
        subject_id = connection.execute(text("DELETE FROM grants RETURNING subject_id")).scalar_one()
        connection.execute(note_revocation(subject_id=subject_id))


async def test_what_was_lost_between_the_look_at_the_right_and_the_first_byte_is_noticed(
    async_engine: AsyncEngine, engine: Engine, ann: Person, shared_run: UUID
) -> None:
    watch = StreamWatch(async_engine, still_readable_runs)
    earlier = Watched(permit_of(watch, engine, ann, shared_run))
    permit = permit_of(watch, engine, ann, shared_run)
    await watch.look()
    shut_ann_out(engine)
    await watch.look()
    assert earlier.is_lost
    late = Watched(permit)
    await watch.look()
    assert late.is_lost


async def test_a_loss_that_is_committed_after_a_later_look_is_noticed(
    async_engine: AsyncEngine, engine: Engine, ann: Person, shared_run: UUID
) -> None:
    watch = StreamWatch(async_engine, still_readable_runs)
    watched = Watched(permit_of(watch, engine, ann, shared_run))
    await watch.look()
    with engine.begin() as connection:
        subject_id = connection.execute(text("DELETE FROM grants RETURNING subject_id")).scalar_one()
        connection.execute(note_revocation(subject_id=subject_id))
        await watch.look()
        assert not watched.is_lost
    await watch.look()
    assert watched.is_lost


async def test_a_share_that_is_made_again_meanwhile_ends_nothing(
    async_engine: AsyncEngine, engine: Engine, ann: Person, shared_run: UUID
) -> None:
    watch = StreamWatch(async_engine, still_readable_runs)
    watched = Watched(permit_of(watch, engine, ann, shared_run))
    with engine.begin() as connection:
        connection.execute(note_revocation(user_id=ann.user_id))
    await watch.look()
    assert not watched.is_lost
    watched.close()
    assert watch.streams == 0


async def test_a_look_is_one_statement_however_many_streams_are_open(
    async_engine: AsyncEngine, engine: Engine, ann: Person, shared_run: UUID
) -> None:
    watch = StreamWatch(async_engine, still_readable_runs)
    held = [Watched(permit_of(watch, engine, ann, shared_run)) for _ in range(3)]
    held += [Watched(watch.permit(guest(("a",)), {new_uuid(): True}, frozenset())) for _ in range(200)]
    await watch.look()
    assert not any(one.is_lost for one in held[:3])
    assert all(one.is_lost for one in held[3:])
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(async_engine.sync_engine, "before_cursor_execute", note)
    await watch.look()
    assert len(statements) == 1
    shut_ann_out(engine)
    await watch.look()
    assert len(statements) == 3
    assert all(one.is_lost for one in held)


async def test_while_postgres_is_away_streams_go_on_and_all_are_looked_at_when_it_is_back(
    database_url: str, engine: Engine, ann: Person, shared_run: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database_url)
    assert url.port is not None
    with FaultProxy(url.port) as proxy:
        engine_behind = open_async_engine(url.set(port=proxy.port).render_as_string(hide_password=False))
        watch = StreamWatch(engine_behind, still_readable_runs)
        watched = Watched(permit_of(watch, engine, ann, shared_run))
        await watch.look()
        proxy.cut()
        shut_ann_out(engine)
        with engine.begin() as connection:
            connection.execute(text("UPDATE revocations SET revoked_at = now() - interval '1 minute'"))
        with pytest.raises((OSError, DBAPIError)):
            await watch.look()
        assert not watched.is_lost
        proxy.mend()
        monkeypatch.setattr("riverrun.auth.stream_watch.MOST_BLIND_SECONDS", 0.0)
        await watch.look()
        assert watched.is_lost
        await engine_behind.dispose()


async def test_old_revocations_are_forgotten_and_new_ones_are_not(
    async_engine: AsyncEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("riverrun.auth.stream_watch.PRUNE_SECONDS", 0.01)
    with engine.begin() as connection:
        for age in (timedelta(hours=2), timedelta(seconds=1)):
            connection.execute(insert(Revocation).values(user_id=new_uuid(), revoked_at=now() - age))

    def kept() -> int:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(Revocation)) or 0

    async with StreamWatch(async_engine, still_readable_runs).running():
        await wait_until_async(lambda: kept() == 1)
    assert kept() == 1
