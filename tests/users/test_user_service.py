"""Users are found by id and by address, in whatever case it is written."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from riverrun.kit.ids import new_uuid
from riverrun.users.errors import EmailTaken
from riverrun.users.user_service import AsyncUserService, UserService


@pytest.fixture
async def session(async_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(async_engine) as session:
        yield session


async def test_a_user_is_found_by_id_and_by_address_in_any_case(session: AsyncSession) -> None:
    users = AsyncUserService(session)
    ann = await users.create_user(" Ann@Example.org ", "Ann")
    assert (ann.email, ann.display_name, ann.email_verified_at) == ("ann@example.org", "Ann", None)
    assert await users.get_user_by_uid(ann.id) is ann
    assert await users.get_user_by_email("ANN@example.org") is ann
    assert await users.get_user_id_by_email("ann@EXAMPLE.org") == ann.id


async def test_nobody_is_found_where_nobody_is(session: AsyncSession) -> None:
    users = AsyncUserService(session)
    assert await users.get_user_by_uid(new_uuid()) is None
    assert await users.get_user_by_email("ann@example.org") is None
    assert await users.get_user_id_by_email("ann@example.org") is None
    assert await users.get_user_ids_by_emails([]) == {}


async def test_many_addresses_are_looked_up_at_once(session: AsyncSession) -> None:
    users = AsyncUserService(session)
    ann, bob = await users.create_user("ann@example.org"), await users.create_user("bob@example.org")
    found = await users.get_user_ids_by_emails(["Ann@example.org", "bob@example.org", "carl@example.org"])
    assert found == {"ann@example.org": ann.id, "bob@example.org": bob.id}


async def test_an_address_has_one_account(session: AsyncSession) -> None:
    users = AsyncUserService(session)
    await users.create_user("ann@example.org")
    with pytest.raises(EmailTaken):
        await users.create_user("ANN@example.org")


async def test_a_login_is_remembered(session: AsyncSession) -> None:
    users = AsyncUserService(session)
    ann = await users.create_user("ann@example.org")
    assert ann.last_login_at is None
    await users.update_last_login(ann.id)
    await session.refresh(ann)
    assert ann.last_login_at is not None


def test_the_sync_twin_does_the_same(engine: Engine) -> None:
    with Session(engine) as session:
        users = UserService(session)
        ann = users.create_user("Ann@example.org")
        assert users.get_user_by_email("ANN@example.org") is ann
        assert ann.display_name == "ann@example.org"
        with pytest.raises(EmailTaken):
            users.create_user("ann@example.org")
