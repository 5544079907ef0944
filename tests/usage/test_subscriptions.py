"""Plans out of a billing system: learnt beside the questions, remembered, and never missed by anybody."""

import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.clock import now
from riverrun.usage import subscriptions as subscriptions_module
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

    async def check(self, usage: UsageService | None = None) -> Standing:
        usage = usage or self._usage
        async with AsyncSession(self._async_engine) as session:
            return await usage.check_usage_limit(Principal(self.user_id, "", "", False), session)

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
    [
        (500, {}),
        (403, {"plan": None}),
        (302, {"plan": "pro"}),
        (200, []),
        (200, {"plan_type": 5}),
        (200, {"plan_type": "long" * 30}),
        (200, {"plan_type": "pro", "and": "x" * 1_000_000}),
    ],
    ids=["fault", "refusal", "redirect", "no object", "no name", "long name", "a megabyte"],
)
async def test_an_outage_from_the_first_moment_refuses_nobody(
    customer: Customer, subscriptions: Subscriptions, billing: FakeBilling, status: int, body: Any
) -> None:
    billing.status, billing.body = status, body
    await customer.check()
    await wait_until_async(lambda: not subscriptions.is_asking)
    assert (await customer.check()).plan is None
    assert customer.plan() is None
    assert len(billing.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"detail": "no such customer"}),
        (404, {"plan": "pro"}),
        (200, None),
        (200, {}),
        (200, {"plan_type": None}),
        (200, {"plan_type": None, "plan": ""}),
    ],
)
async def test_whoever_has_no_plan_by_the_billing_systems_word_has_the_default_one(
    customer: Customer, billing: FakeBilling, status: int, body: Any
) -> None:
    billing.status, billing.body = status, body
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "")
    with pytest.raises(UsageLimitReached):
        await customer.check()


async def test_a_plan_that_ended_gives_way_to_the_default_one(
    customer: Customer, subscriptions: Subscriptions, billing: FakeBilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "PAUSE_SECONDS", 0.0)
    billing.body = {"plan_type": "team"}
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "team")
    await wait_until_async(lambda: not subscriptions.is_asking)
    billing.status = 404
    customer.make_stale()
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "")
    with pytest.raises(UsageLimitReached):
        await customer.check()


async def test_the_log_says_of_a_404_what_it_was_taken_for(
    customer: Customer, billing: FakeBilling, caplog: pytest.LogCaptureFixture
) -> None:
    billing.status = 404
    with caplog.at_level(logging.INFO, logger="riverrun.usage"):
        await customer.check()
        await wait_until_async(lambda: customer.plan() == "")
    told = [line.getMessage() for line in caplog.records if line.name.startswith("riverrun.usage")]
    assert told == [f"the billing system answers 404 for user {customer.user_id}: no plan but the default"]


async def test_who_has_no_plan_sees_the_default_ones_name(
    settings: Settings, subscriptions: Subscriptions, billing: FakeBilling, customer: Customer
) -> None:
    billing.status = 404
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "")
    free = settings.model_copy(update={"plans": {"free": Plan(questions_per_day=3)}, "default_plan": "free"})
    standing = await customer.check(UsageService(free, subscriptions))
    assert standing.plan == "free"
    assert [one.most for one in standing.allowances if one.most is not None] == [3]


class _Dripping(BaseHTTPRequestHandler):
    """An answer that never ends and never pauses for long."""

    over = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.over.wait(0.02):
                self.wfile.write(b" ")
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests' output is not this server's."""


@contextmanager
def dripping_billing() -> Iterator[str]:
    """The address of a billing system that begins an answer, and goes on with it until the block is left."""
    _Dripping.over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dripping)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        _Dripping.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


async def test_an_answer_that_never_ends_is_given_up(
    async_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(subscriptions_module, "TIMEOUT_SECONDS", 0.5)
    with dripping_billing() as base_url:
        subscriptions = Subscriptions(base_url, async_engine)
        async with subscriptions.running():
            subscriptions.look(uuid4(), None)
            assert subscriptions.is_asking
            await wait_until_async(lambda: not subscriptions.is_asking)
    assert "is not to be learnt now" in caplog.text


@pytest.mark.parametrize(
    "base_url",
    [
        "http://billing.example:bad",
        "https://billing.example:99999",
        "http://billing.example:0",
        "https://[",
        "https://billing..example",
        "http://10.0.0.999",
        "ftp://billing.example",
        "billing.example",
        "http://",
        " http://billing.example",
    ],
)
def test_an_address_to_which_nothing_can_be_sent_is_refused_at_the_start(
    async_engine: AsyncEngine, base_url: str
) -> None:
    with pytest.raises(MissingSetting, match="RIVERRUN_SUBSCRIPTION_BASE_URL"):
        Subscriptions(base_url, async_engine)


async def test_an_outage_later_leaves_the_plan_as_it_was(customer: Customer, billing: FakeBilling) -> None:
    billing.body = {"plan_type": "team"}
    await customer.check()
    await wait_until_async(lambda: customer.plan() == "team")
    billing.status = 503
    customer.make_stale()
    assert (await customer.check()).plan == "team"


async def test_a_proxy_of_the_environment_is_not_asked(
    billing: FakeBilling, async_engine: AsyncEngine, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    subscriptions = Subscriptions(billing.base_url, async_engine)
    async with subscriptions.running():
        subscriptions.look(user_id, None)
        await wait_until_async(lambda: not subscriptions.is_asking)
    assert billing.asked == [str(user_id)]


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
