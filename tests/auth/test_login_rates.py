"""How often a password may be tried: by account, by network, and not at all while nobody can count."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx2
import pytest
from tests.support.fault_proxy import FaultProxy
from tests.support.live_api import client_of, serving
from tests.support.visitors import log_in, sign_up

from riverrun.infra.settings import Settings

EMAIL = "somebody@example.org"


async def try_password(base_url: str, email: str, forwarded_for: str = "") -> httpx2.Response:
    """A wrong one."""
    headers = {"x-forwarded-for": forwarded_for} if forwarded_for else {}
    async with client_of(base_url) as client:
        wrong = {"email": email, "password": "wrong wrong wrong"}
        return await client.post("/api/v1/login", json=wrong, headers=headers)


async def statuses(base_url: str, *tries: tuple[str, str]) -> list[int]:
    return [(await try_password(base_url, *one)).status_code for one in tries]


class TestAccount:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sign_up": "open", "logins_per_minute_per_account": 3})

    async def test_guessing_one_accounts_password_ends_soon_for_the_right_one_too(
        self, base_url: str
    ) -> None:
        assert (await sign_up(base_url, EMAIL)).status_code == 201
        assert await statuses(base_url, *[(EMAIL, "")] * 3) == [401] * 3
        refused = await log_in(base_url, EMAIL)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 20

    async def test_an_account_that_is_not_there_is_counted_alike(self, base_url: str) -> None:
        assert await statuses(base_url, *[("Nobody@example.org", ""), ("nobody@EXAMPLE.org", "")] * 2) == [
            401,
            401,
            401,
            429,
        ]

    async def test_others_sign_in_meanwhile(self, base_url: str) -> None:
        await sign_up(base_url, EMAIL)
        await statuses(base_url, *[("nobody@example.org", "")] * 4)
        assert (await log_in(base_url, EMAIL)).status_code == 200


class TestNetwork:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sign_up": "open", "logins_per_minute_per_address": 3})

    async def test_trying_many_accounts_ends_soon_whatever_the_client_says_of_itself(
        self, base_url: str
    ) -> None:
        tries = [(f"user{number}@example.org", f"198.51.100.{number}") for number in range(4)]
        assert await statuses(base_url, *tries) == [401, 401, 401, 429]

    async def test_a_network_over_its_rate_uses_up_no_accounts(
        self, base_url: str, settings: Settings
    ) -> None:
        await sign_up(base_url, EMAIL)
        await statuses(base_url, *[("nobody@example.org", "")] * 3)
        assert await statuses(base_url, *[(EMAIL, "")] * 6) == [429] * 6
        generous = settings.model_copy(update={"logins_per_minute_per_address": 0})
        async with serving(generous) as elsewhere:
            assert (await log_in(elsewhere, EMAIL)).status_code == 200


class TestProxy:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            **settings.model_dump(exclude={"trusted_proxies", "logins_per_minute_per_address"}),
            logins_per_minute_per_address=1,
            trusted_proxies="127.0.0.1",
        )

    async def test_behind_a_proxy_of_ours_its_clients_are_counted_one_by_one(self, base_url: str) -> None:
        tries = [
            ("a@example.org", "198.51.100.1"),
            ("b@example.org", "198.51.100.2"),
            ("c@example.org", "6.6.6.6, 198.51.100.1"),
        ]
        assert await statuses(base_url, *tries) == [401, 401, 429]


class TestWithoutValkey:
    @pytest.fixture
    async def line(self, redis_url: str) -> AsyncIterator[FaultProxy]:
        with FaultProxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as line:
            yield line

    @pytest.fixture
    def settings(self, settings: Settings, redis_url: str, line: FaultProxy) -> Settings:
        through = redis_url.replace(f":{line.upstream_port}", f":{line.port}")
        return settings.model_copy(update={"sign_up": "open", "redis_url": through, "broker_url": redis_url})

    async def test_nobody_is_let_in_uncounted_and_everybody_as_soon_as_it_is_back(
        self, base_url: str, line: FaultProxy
    ) -> None:
        assert (await sign_up(base_url, EMAIL)).status_code == 201
        line.cut()
        refused = await log_in(base_url, EMAIL)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        line.mend()
        assert (await log_in(base_url, EMAIL)).status_code == 200


async def test_who_signs_up_too_often_from_one_network_is_refused(settings: Settings) -> None:
    few = settings.model_copy(update={"sign_up": "open", "sign_ups_per_hour_per_address": 2})
    async with serving(few) as base_url:
        answers = [await sign_up(base_url, f"user{number}@example.org") for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


async def test_no_address_is_sent_more_links_than_five_in_an_hour(settings: Settings) -> None:
    """Whoever asks, from wherever: else anybody may fill anybody's mailbox."""
    proxied = settings.model_copy(update={"trusted_proxies": frozenset([ip_network("127.0.0.1")])})
    async with serving(proxied) as base_url, client_of(base_url) as client:
        answers = [
            await client.post(
                "/api/v1/password-reset",
                json={"email": email},
                headers={"x-forwarded-for": f"192.0.2.{number}"},
            )
            for email in (EMAIL, "nobody@example.org")
            for number in range(6)
        ]
    assert [answer.status_code for answer in answers] == [*[202] * 5, 429] * 2


async def test_asking_for_new_passwords_too_often_is_refused(settings: Settings) -> None:
    few = settings.model_copy(update={"password_resets_per_hour_per_address": 2})
    async with serving(few) as base_url, client_of(base_url) as client:
        answers = [
            await client.post("/api/v1/password-reset", json={"email": f"user{number}@example.org"})
            for number in range(3)
        ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
