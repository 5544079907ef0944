"""Reserving and settling on a real Postgres: once, whole, and never beyond a limit."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.stories import make_run, make_user
from tests.support.usage_ledger import assert_balanced, entries, limit, states

from riverrun.auth.api_keys import ApiKey, api_key_hash
from riverrun.auth.principal import Principal
from riverrun.infra.plans import Plan
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.ids import new_uuid
from riverrun.runs.models import Run
from riverrun.usage import statements
from riverrun.usage.errors import TooManyQuestions, UsageLimitReached
from riverrun.usage.models import HolderKind
from riverrun.usage.settlement import RELEASED, Settlement
from riverrun.usage.subscriptions import Subscriptions
from riverrun.usage.usage_service import UsageService
from riverrun.users.organisations import Organisation, OrganisationMember, OrganisationRole

RESERVED_TOKENS = 100
PLANS = {
    "default": Plan(),
    "small": Plan(questions_per_month=3),
    "none": Plan(questions_per_day=0),
    "tokens": Plan(tokens_per_day=250),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"plans": PLANS, "tokens_per_question": RESERVED_TOKENS})


@pytest.fixture
def usage(settings: Settings, async_engine: AsyncEngine) -> UsageService:
    return UsageService(settings, Subscriptions(None, async_engine))


class Asker:
    """A user who asks by one way in."""

    def __init__(
        self, engine: Engine, async_engine: AsyncEngine, usage: UsageService, token_id: UUID | None = None
    ) -> None:
        self.user_id = make_user(engine, f"{uuid4()}@example.org")
        self._engine, self._async_engine, self._usage = engine, async_engine, usage
        self.principal = Principal(self.user_id, "", "", False, token_id=token_id)

    async def ask(self) -> UUID:
        """A question's run, accepted as the API does it: in one transaction that a refusal undoes."""
        run_id = make_run(self._engine, self.user_id)
        async with AsyncSession(self._async_engine) as session, session.begin():
            standing = await self._usage.check_usage_limit(self.principal, session)
            run = await session.get_one(Run, run_id)
            await self._usage.reserve(self.principal, session, standing, run, "an_agent")
        return run_id

    async def check(self) -> None:
        async with AsyncSession(self._async_engine) as session:
            await self._usage.check_usage_limit(self.principal, session)

    def settle(self, run_id: UUID, settlement: Settlement) -> None:
        with self._engine.begin() as connection:
            connection.execute(statements.settle(run_id, settlement))

    async def used(self) -> tuple[int, int]:
        """Questions and tokens of this month, as the user is told."""
        today = now().date()
        async with AsyncSession(self._async_engine) as session:
            found = await self._usage.get_usage_data(self.principal, session, today, today)
        return found.questions, found.tokens


@pytest.fixture
def asker(engine: Engine, async_engine: AsyncEngine, usage: UsageService) -> Asker:
    return Asker(engine, async_engine, usage)


@pytest.fixture
def api_key_id(engine: Engine, asker: Asker) -> UUID:
    """A key by which the asker comes from now on."""
    key_id = new_uuid()
    values = {"name": "k", "key_hash": api_key_hash(str(key_id)), "hint": "sk-", "scopes": ["write"]}
    with engine.begin() as connection:
        connection.execute(insert(ApiKey).values(id=key_id, user_id=asker.user_id, **values))
    asker.principal = Principal(asker.user_id, "", "", False, token_id=key_id)
    return key_id


def make_organisation(engine: Engine, members: Sequence[UUID]) -> UUID:
    organisation_id = new_uuid()
    with engine.begin() as connection:
        connection.execute(insert(Organisation).values(id=organisation_id, name="A team"))
        for user_id in members:
            member = {"user_id": user_id, "role": OrganisationRole.MEMBER}
            connection.execute(insert(OrganisationMember).values(organisation_id=organisation_id, **member))
    return organisation_id


async def outcomes(*askers: Asker) -> list[Any]:
    """What comes of questions that are asked at once."""
    return list(await asyncio.gather(*(one.ask() for one in askers), return_exceptions=True))


async def test_a_question_is_on_the_counters_of_all_its_holders_before_it_is_answered(
    asker: Asker, engine: Engine, api_key_id: UUID
) -> None:
    teams = {make_organisation(engine, [asker.user_id]), make_organisation(engine, [asker.user_id])}
    run_id = await asker.ask()
    entry = entries(engine)[run_id]
    assert (entry.api_key_id, set(entry.organisation_ids)) == (api_key_id, teams)
    assert (entry.tokens, entry.state, entry.agent_id) == (RESERVED_TOKENS, "reserved", "an_agent")
    assert await asker.used() == (1, RESERVED_TOKENS)
    assert_balanced(engine)


async def test_a_session_or_a_bearer_token_is_no_holder(asker: Asker, engine: Engine) -> None:
    asker.principal = Principal(asker.user_id, "", "", False, token_id=uuid4())
    run_id = await asker.ask()
    assert entries(engine)[run_id].api_key_id is None
    assert_balanced(engine)


async def test_a_settled_question_counts_with_its_own_tokens_once(asker: Asker, engine: Engine) -> None:
    run_id = await asker.ask()
    for tokens in (12_345, 7):
        asker.settle(run_id, Settlement(counts=True, tokens=tokens))
    asker.settle(run_id, RELEASED)
    assert await asker.used() == (1, 12_345)
    assert_balanced(engine)


async def test_a_released_question_does_not_count_and_cannot_be_settled_any_more(
    asker: Asker, engine: Engine
) -> None:
    run_id = await asker.ask()
    asker.settle(run_id, RELEASED)
    asker.settle(run_id, Settlement(counts=True, tokens=5))
    assert await asker.used() == (0, 0)
    assert states(engine) == {"released": 1}
    assert_balanced(engine)


async def test_settling_what_was_never_asked_changes_nothing(asker: Asker, engine: Engine) -> None:
    asker.settle(uuid4(), Settlement(counts=True, tokens=5))
    assert_balanced(engine)


async def test_of_many_questions_at_once_exactly_as_many_pass_as_are_left(
    asker: Asker, engine: Engine
) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="small")
    await asker.ask()
    await asker.ask()
    found = await outcomes(*[asker] * 40)
    assert sum(isinstance(one, UUID) for one in found) == 1
    assert sum(isinstance(one, UsageLimitReached) for one in found) == 39
    assert await asker.used() == (3, 3 * RESERVED_TOKENS)
    assert_balanced(engine)


async def test_a_team_is_limited_by_what_its_members_ask_together(
    asker: Asker, engine: Engine, async_engine: AsyncEngine, usage: UsageService
) -> None:
    other = Asker(engine, async_engine, usage)
    team = make_organisation(engine, [asker.user_id, other.user_id])
    limit(engine, HolderKind.ORGANISATION, team, questions_per_day=5)
    found = await outcomes(*[asker, other] * 10)
    assert sum(isinstance(one, UUID) for one in found) == 5
    refused = next(one for one in found if isinstance(one, TooManyQuestions))
    assert refused.extensions["holder"] == "organisation"
    assert_balanced(engine)


async def test_members_of_several_teams_in_common_never_wait_for_each_other_in_a_circle(
    asker: Asker, engine: Engine, async_engine: AsyncEngine, usage: UsageService
) -> None:
    others = [Asker(engine, async_engine, usage) for _ in range(3)]
    everybody = [asker, *others]
    for _ in range(4):
        make_organisation(engine, [one.user_id for one in everybody])
    found = await outcomes(*everybody * 8)
    assert all(isinstance(one, UUID) for one in found), found
    assert_balanced(engine)


async def test_a_key_has_a_limit_of_its_own(asker: Asker, engine: Engine, api_key_id: UUID) -> None:
    limit(engine, HolderKind.KEY, api_key_id, questions_per_day=1)
    await asker.ask()
    with pytest.raises(TooManyQuestions) as refused:
        await asker.check()
    assert refused.value.extensions["holder"] == "key"
    asker.principal = Principal(asker.user_id, "", "", False)
    await asker.ask()


async def test_numbers_laid_down_win_over_the_plans_one_by_one(asker: Asker, engine: Engine) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="small", questions_per_month=1, questions_per_day=9)
    await asker.ask()
    with pytest.raises(UsageLimitReached) as refused:
        await asker.ask()
    assert refused.value.extensions["limit"] == 1


async def test_a_limit_of_nothing_allows_nothing(asker: Asker, engine: Engine) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="none")
    with pytest.raises(TooManyQuestions):
        await asker.check()
    assert entries(engine) == {}


async def test_reserved_tokens_hold_the_next_question_back_until_they_are_settled_for_less(
    asker: Asker, engine: Engine
) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="tokens")
    runs = [await asker.ask() for _ in range(3)]
    with pytest.raises(TooManyQuestions) as refused:
        await asker.ask()
    assert refused.value.extensions["measure"] == "tokens"
    for run_id in runs:
        asker.settle(run_id, Settlement(counts=True, tokens=10))
    await asker.ask()


async def test_one_answer_may_overdraw_tokens_and_the_next_question_waits(
    asker: Asker, engine: Engine
) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="tokens")
    asker.settle(await asker.ask(), Settlement(counts=True, tokens=9_000))
    with pytest.raises(TooManyQuestions) as refused:
        await asker.ask()
    assert (refused.value.extensions["used"], refused.value.extensions["rest"]) == (9_000, 0)
    assert_balanced(engine)


async def test_of_many_questions_at_once_tokens_let_as_many_through_as_there_is_room_for(
    asker: Asker, engine: Engine
) -> None:
    limit(engine, HolderKind.USER, asker.user_id, plan="tokens")
    found = await outcomes(*[asker] * 20)
    assert sum(isinstance(one, UUID) for one in found) == 3
    assert_balanced(engine)


async def test_nobody_sees_what_another_has_asked(
    asker: Asker, engine: Engine, async_engine: AsyncEngine, usage: UsageService
) -> None:
    other = Asker(engine, async_engine, usage)
    await asker.ask()
    assert await other.used() == (0, 0)
    assert await asker.used() == (1, RESERVED_TOKENS)
