"""Flows of browsers that are away: opened once, by both keys, at their own provider, for ten minutes."""

from collections.abc import AsyncIterator

import pytest

from riverrun.auth.login_flows import LIFETIME_SECONDS, FlowKeys, LoginFlows, new_flow, own_path
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis
from riverrun.kit.problem import BadRequest, NotSignedIn


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    client = open_async_redis(redis_url)
    yield client
    await client.aclose()


async def test_a_flow_opens_once_and_with_both_keys_at_its_provider(redis: AsyncRedis) -> None:
    flows, flow = LoginFlows(redis), new_flow("/c/1")
    keys = await flows.keep("okta", flow)
    for provider, wrong in (
        ("google", keys),
        ("okta", FlowKeys(keys.state, "")),
        ("okta", FlowKeys("", keys.browser)),
        ("okta", FlowKeys(keys.browser, keys.state)),
    ):
        with pytest.raises(NotSignedIn):
            await flows.take(provider, wrong)
    assert await flows.take("okta", keys) == flow
    with pytest.raises(NotSignedIn):
        await flows.take("okta", keys)


async def test_a_flow_is_forgotten_in_time_and_its_keys_are_not_to_be_read_in_valkey(
    redis: AsyncRedis,
) -> None:
    keys = await LoginFlows(redis).keep("okta", new_flow("/"))
    (name,) = await redis.keys("login-flow:*")
    assert 0 < await redis.ttl(name) <= LIFETIME_SECONDS
    assert keys.state.encode() not in name
    assert keys.browser.encode() not in name


@pytest.mark.parametrize("path", ["/", "/c/0198?a=b&c=d#e", "/a//b", "/%2F%2Fevil.example", "/a:b"])
def test_a_path_of_ours_is_left_as_it_is(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize("path", ["//[", "/\\[", "//\u2100", "//[v1.x]", "[", "/\ud800"])
def test_what_is_no_url_at_all_is_refused_in_words(path: str) -> None:
    with pytest.raises(BadRequest, match="a path of this server"):
        own_path(path)


def test_a_path_has_an_end() -> None:
    with pytest.raises(BadRequest):
        own_path("/" + "a" * 500)
