"""Ways in are listed, chosen and taken away, but never the last one."""

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from riverrun.auth.errors import LastWayIn, ProviderTaken
from riverrun.auth.identity import PASSWORD
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.passwords import Password
from riverrun.kit.problem import NotFound
from riverrun.users.models import User
from riverrun.users.user_service import AsyncUserService


@pytest.fixture
async def ann(async_engine: AsyncEngine) -> User:
    """Somebody who comes in by password and by two providers."""
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        user = await AsyncUserService(session).create_user("ann@example.org")
        session.add(Password(user_id=user.id, hash="a hash"))
        providers = AsyncLinkedProviders(session)
        await providers.link(user.id, PASSWORD, str(user.id))
        await providers.link(user.id, "sso_google", "1")
        await providers.link(user.id, "sso_okta", "2")
        await session.commit()
    return user


async def types(session: AsyncSession, user: User) -> dict[str, bool]:
    return {way.provider_type: way.is_primary for way in await AsyncLinkedProviders(session).list(user.id)}


async def test_the_first_way_in_is_the_usual_one_until_another_is_chosen(
    async_engine: AsyncEngine, ann: User
) -> None:
    async with AsyncSession(async_engine) as session:
        assert await types(session, ann) == {PASSWORD: True, "sso_google": False, "sso_okta": False}
        await AsyncLinkedProviders(session).set_primary(ann.id, "sso_okta")
        session.expire_all()
        assert await types(session, ann) == {PASSWORD: False, "sso_google": False, "sso_okta": True}
        with pytest.raises(NotFound):
            await AsyncLinkedProviders(session).set_primary(ann.id, "sso_azure")


async def test_linking_twice_is_once_and_another_accounts_is_refused(
    async_engine: AsyncEngine, ann: User
) -> None:
    async with AsyncSession(async_engine) as session:
        providers = AsyncLinkedProviders(session)
        bob = await AsyncUserService(session).create_user("bob@example.org")
        first = await providers.find("sso_google", "1")
        assert first is not None
        assert (await providers.link(ann.id, "sso_google", "1")).id == first.id
        for user, uid in ((bob, "1"), (ann, "other")):
            with pytest.raises(ProviderTaken):
                await providers.link(user.id, "sso_google", uid)


async def test_a_password_goes_with_its_link_and_the_last_way_in_stays(
    async_engine: AsyncEngine, ann: User
) -> None:
    async with AsyncSession(async_engine) as session:
        providers = AsyncLinkedProviders(session)
        await providers.unlink(ann.id, PASSWORD)
        assert await session.scalar(select(Password).where(Password.user_id == ann.id)) is None
        session.expire_all()
        assert await types(session, ann) == {"sso_google": True, "sso_okta": False}
        await providers.unlink(ann.id, "sso_google")
        with pytest.raises(LastWayIn):
            await providers.unlink(ann.id, "sso_okta")
        with pytest.raises(NotFound):
            await providers.unlink(ann.id, "sso_google")


async def test_two_that_unlink_at_once_leave_a_way_in(async_engine: AsyncEngine, ann: User) -> None:
    async def unlink(provider_type: str) -> bool:
        async with AsyncSession(async_engine) as session:
            try:
                await AsyncLinkedProviders(session).unlink(ann.id, provider_type)
            except LastWayIn:
                return False
            await session.commit()
            return True

    done = await asyncio.gather(*(unlink(way) for way in (PASSWORD, "sso_google", "sso_okta")))
    assert sorted(done) == [False, True, True]
    async with AsyncSession(async_engine) as session:
        assert list((await types(session, ann)).values()) == [True]
