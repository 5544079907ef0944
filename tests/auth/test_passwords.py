"""Which passwords are taken, and that a stored one can be checked and renewed but not read."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.support.waiting import wait_until_async

from riverrun.auth.built_in_passwords import BuiltInPasswords
from riverrun.auth.errors import WeakPassword, WrongPassword
from riverrun.auth.passwords import (
    HASHER,
    LEAST_CHARS,
    MOST_CHARS,
    NOBODYS_HASH,
    Password,
    hash_password,
    matches,
    needs_new_hash,
    require_good_password,
)
from riverrun.infra.thread_bridge import ThreadBridge
from riverrun.users.user_service import AsyncUserService

ANN = "ann@example.org"
THE_PASSWORD = "a long walk by the river"


def test_a_hash_fits_its_password_and_no_other() -> None:
    stored = hash_password(THE_PASSWORD)
    assert matches(THE_PASSWORD, stored)
    assert not matches(THE_PASSWORD + " ", stored)
    assert not needs_new_hash(stored)
    assert hash_password(THE_PASSWORD) != stored


def test_nobodys_hash_costs_what_a_real_one_costs_and_fits_nothing() -> None:
    assert not HASHER.check_needs_rehash(NOBODYS_HASH)
    assert not matches("", None)


@settings(max_examples=200)
@given(st.text(min_size=0, max_size=MOST_CHARS + 10))
def test_length_counts_and_not_which_letters_there_are(password: str) -> None:
    try:
        taken = require_good_password(password, ANN)
    except WeakPassword:
        return
    assert LEAST_CHARS <= len(taken) <= MOST_CHARS


@pytest.mark.parametrize("password", ["ANN@example.org", "PassWord1", "zzzzzzzz", "12345678"])
def test_what_a_guesser_tries_first_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_good_password(password, ANN)


async def test_a_hash_of_weaker_parameters_is_renewed_when_its_owner_comes_in(
    async_engine: AsyncEngine,
) -> None:
    hashing = ThreadBridge(1)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(THE_PASSWORD)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        user = await AsyncUserService(session).create_user(ANN)
        passwords = BuiltInPasswords(session, hashing)
        await passwords.store(user.id, weak)
        with pytest.raises(WrongPassword):
            await passwords.check(ANN, "another password")
        assert await session.scalar(select(Password.hash)) == weak
        identity = await passwords.check(ANN, THE_PASSWORD)
        renewed = await session.scalar(select(Password.hash))
    hashing.close()
    assert identity.provider_uid == str(user.id)
    assert renewed is not None
    assert renewed != weak
    assert matches(THE_PASSWORD, renewed)
    assert not needs_new_hash(renewed)


async def test_an_unknown_account_costs_as_much_work_as_a_wrong_password(async_engine: AsyncEngine) -> None:
    hashing = ThreadBridge(1)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        users, passwords = AsyncUserService(session), BuiltInPasswords(session, hashing)
        ann, _without_password = await users.create_user(ANN), await users.create_user("bob@example.org")
        await passwords.store(ann.id, hash_password(THE_PASSWORD))
        calls = []
        for email in (ANN, "bob@example.org", "nobody@example.org"):
            before = hashing.calls
            with pytest.raises(WrongPassword):
                await passwords.check(email, "not the password")
            calls.append(hashing.calls - before)
    hashing.close()
    assert calls == [1, 1, 1]


async def test_no_connection_is_held_while_a_hash_is_computed(async_engine: AsyncEngine) -> None:
    gate, hashing = threading.Event(), ThreadBridge(1)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        blocker = asyncio.create_task(hashing.run(gate.wait))
        check = asyncio.create_task(BuiltInPasswords(session, hashing).check(ANN, THE_PASSWORD))
        await wait_until_async(lambda: hashing.calls == 2)
        holds_one = session.in_transaction()
        gate.set()
        with pytest.raises(WrongPassword):
            await check
        assert await blocker
        assert not holds_one
    hashing.close()


async def test_a_password_of_the_greatest_length_opens_however_it_is_composed(
    async_engine: AsyncEngine,
) -> None:
    hashing = ThreadBridge(1)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        user = await AsyncUserService(session).create_user(ANN)
        passwords = BuiltInPasswords(session, hashing)
        await passwords.store(user.id, await passwords.prepare("\u00e9\u00e8" * 128, ANN))
        identity = await passwords.check(ANN, "e\u0301e\u0300" * 128)
    hashing.close()
    assert identity.provider_uid == str(user.id)


async def test_a_password_that_is_changed_while_it_is_compared_opens_nothing(
    async_engine: AsyncEngine,
) -> None:
    """Else whoever knows the old one gets a session just after the new one has ended all of them."""
    gate, hashing = threading.Event(), ThreadBridge(1)
    async with (
        AsyncSession(async_engine, expire_on_commit=False) as session,
        AsyncSession(async_engine) as resetting,
    ):
        user = await AsyncUserService(session).create_user(ANN)
        passwords = BuiltInPasswords(session, hashing)
        await passwords.store(user.id, hash_password(THE_PASSWORD))
        await session.commit()
        blocker = asyncio.create_task(hashing.run(gate.wait))
        check = asyncio.create_task(passwords.check(ANN, THE_PASSWORD))
        await wait_until_async(lambda: hashing.calls == 2)
        await resetting.execute(update(Password).values(hash=NOBODYS_HASH))
        await resetting.commit()
        gate.set()
        with pytest.raises(WrongPassword):
            await check
        assert await blocker
    hashing.close()
