"""Plans out of a billing system: learnt beside the questions, remembered, and never missed by anybody."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.fake_billing import FakeBilling, fake_billing
from tests.support.usage_ledger import limit
from tests.support.waiting import wait_until_async

from riverrun.auth.principal import Principal
from riverrun.infra.plans import Plan
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.usage.errors import TooManyQuestions, UsageLimitReached
from riverrun.usage.models import HolderKind, Subscription
from riverrun.usage.subscriptions import FRESH, Subscriptions
from riverrun.usage.usage_service import Standing, UsageService

PLANS = {"default": Plan(questions_per_month=0), "pro": Plan(questions_per_day=0), "team": Plan()}


@pytest.fixture
def billing() -> Iterator[FakeBilling]:
    with fake_billing() as billing:
        yield billing


@pytest.fixture
async def subscriptions(billing: FakeBilling, async_engine: AsyncEngine) -> AsyncIterator[Subscriptions]:
    subscriptions = Subscriptions(billing.base_url + "/", async_engine)
    async with subscriptions.running():
        yield subscriptions


class Customer:
    """A user, as the service sees them by a subscription service."""

    def __init__(self, user_id: UUID, usage: UsageService, async_engine: AsyncEngine, engine: Engine) -> None:
        self.user_id, self._usage, self._async_engine, self._engine = user_id, usage, async_engine, engine

    async def check(self) -> Standing:
        async with AsyncSession(self._async_engine) as session:
            return await self._usage.check_usage_limit(Principal(self.user_id, "", "", False), session)

    def plan(self) -> str | None:
        with self._engine.connect() as connection:
            return connection.scalar(select(Subscription.plan).where(Subscription.user_id == self.user_id))

    def make_stale(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(Subscription).values(learnt_at=now() - FRESH - timedelta(seconds=1)))


@pytest.fixture
def customer(
    settings: Settings, subscriptions: Subscriptions, user_id: UUID, async_engine: AsyncEngine, engine: Engine
) -> Customer:
    usage = UsageService(settings.model_copy(update={"plans": PLANS}), subscriptions)
    return Customer(user_id, usage, async_engine, engine)


async def test_a_plan_is_learnt_beside_the_question_and_holds_from_the_next_on(
    customer: Customer, billing: FakeBilling
) -> None:
    assert (await customer.check()).plan is None
    await wait_until_async(lambda: customer.plan() == "pro")
    with pytest.raises(TooManyQuestions):
        await customer.check()
    assert billing.asked == [str(customer.user_id)]


async def test_a_plan_that_nobody_has_heard_of_means_the_default_one(
    customer: Customer, billing: FakeBilling
) -> None:
    billing.body = {"plan": "a new one"}
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "a new one")
    with pytest.raises(UsageLimitReached):
        await customer.check()


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {}), (200, []), (200, {"plan_type": 5}), (200, {"plan_type": ""}), (404, {"plan": "pro"})],
)
async def test_an_outage_from_the_first_moment_refuses_nobody(
    customer: Customer, billing: FakeBilling, status: int, body: Any
) -> None:
    billing.status, billing.body = status, body
    await customer.check()
    await wait_until_async(lambda: bool(billing.asked))
    assert (await customer.check()).plan is None
    assert customer.plan() is None


async def test_an_outage_later_leaves_the_plan_as_it_was(customer: Customer, billing: FakeBilling) -> None:
    billing.body = {"plan_type": "team"}
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "team")
    billing.status = 503
    customer.make_stale()
    assert (await customer.check()).plan == "team"


async def test_a_plan_that_is_fresh_is_not_asked_for_again(customer: Customer, billing: FakeBilling) -> None:
    billing.body = {"plan_type": "team"}
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "team")
    await customer.check()
    assert len(billing.asked) == 1


async def test_an_administrators_word_goes_before_the_billing_systems(
    customer: Customer, engine: Engine
) -> None:
    limit(engine, HolderKind.USER, customer.user_id, plan="team")
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "pro")
    assert (await customer.check()).plan == "team"


async def test_a_user_who_is_gone_when_the_answer_comes_is_no_error(
    subscriptions: Subscriptions, billing: FakeBilling, engine: Engine
) -> None:
    subscriptions.look(uuid4(), None)
    await wait_until_async(lambda: bool(billing.asked))
    await wait_until_async(lambda: not subscriptions.is_asking)
    with engine.begin() as connection:
        assert connection.execute(delete(Subscription)).rowcount == 0


async def test_without_a_billing_system_nobody_is_asked_about(async_engine: AsyncEngine) -> None:
    subscriptions = Subscriptions(None, async_engine)
    async with subscriptions.running():
        subscriptions.look(uuid4(), None)
        assert not subscriptions.is_asking
