"""A proven identity signs in, makes an account, or waits for the account's owner; it never takes and never deletes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from riverrun.auth.errors import AccountDisabled, AddressNotVerified, ProviderTaken, SignUpRefused
from riverrun.auth.identity import Identity
from riverrun.auth.identity_links import UserAuthProvider
from riverrun.auth.invitation_service import AsyncInvitations, new_invitation
from riverrun.auth.linked_providers import AsyncLinkedProviders
from riverrun.auth.models import TokenKind
from riverrun.auth.organisation_statements import MOST_ORGANISATIONS, count_of_places
from riverrun.auth.principal import Principal
from riverrun.auth.session_tokens import AsyncTokenService
from riverrun.auth.unified_auth_service import NeedsLinking, SignedIn, UnifiedAuthService
from riverrun.kit.clock import now
from riverrun.kit.problem import NotFound
from riverrun.users.invitations import Invitation
from riverrun.users.models import User
from riverrun.users.organisations import Organisation, OrganisationMember, OrganisationRole
from riverrun.users.user_service import AsyncUserService

ANN = "ann@example.org"


@pytest.fixture
async def session(async_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
async def ann(session: AsyncSession) -> User:
    """Somebody who has an account with a verified address."""
    return await AsyncUserService(session).create_user(ANN, "Ann", now())


@pytest.fixture
async def eve(session: AsyncSession) -> User:
    """Somebody who has an account with an address that nothing vouches for."""
    return await AsyncUserService(session).create_user("eve@example.org", "Eve")


def identity(
    uid: str = "1", email: str | None = ANN, *, verified: bool = True, at: str = "sso_google"
) -> Identity:
    return Identity(at, uid, email, verified, "Ann of the provider", {"picture": "a.png"})


async def signed_in(session: AsyncSession, user: User) -> Principal:
    token = await AsyncTokenService(session).open(user.id, TokenKind.SESSION, "a browser")
    return await AsyncTokenService(session).admit(token, TokenKind.SESSION)


async def count(session: AsyncSession, model: type[User] | type[UserAuthProvider]) -> int:
    return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_new_address_makes_an_account_where_anybody_may(session: AsyncSession) -> None:
    outcome = await UnifiedAuthService(session, "open").sign_in(identity(email="New@example.org"))
    assert isinstance(outcome, SignedIn)
    assert outcome.is_new
    assert (outcome.user.email, outcome.user.display_name) == ("new@example.org", "Ann of the provider")
    assert outcome.user.email_verified_at is not None
    again = await UnifiedAuthService(session, "closed").sign_in(identity(email="Renamed@example.org"))
    assert isinstance(again, SignedIn)
    assert (again.user.id, again.is_new) == (outcome.user.id, False)


async def test_the_provider_is_followed_by_its_uid_whatever_the_address_says_now(
    session: AsyncSession, ann: User
) -> None:
    service = UnifiedAuthService(session, "open")
    bob = await service.sign_in(identity("bob", "bob@example.org"))
    for claim in (identity("bob", ANN), identity("bob", None), identity("bob", ANN, verified=False)):
        outcome = await service.sign_in(claim)
        assert isinstance(outcome, SignedIn)
        assert outcome.user.id == bob.user.id


@pytest.mark.parametrize("email", [ANN, "new@example.org", None])
async def test_an_address_that_the_provider_does_not_vouch_for_says_nothing(
    session: AsyncSession, ann: User, email: str | None
) -> None:
    with pytest.raises(AddressNotVerified):
        await UnifiedAuthService(session, "open").sign_in(identity(email=email, verified=False))
    assert await count(session, User) == 1
    assert await count(session, UserAuthProvider) == 0


async def test_an_address_with_an_account_waits_for_its_owner(session: AsyncSession, ann: User) -> None:
    service = UnifiedAuthService(session, "open")
    outcome = await service.sign_in(identity(email="ANN@example.org"))
    assert isinstance(outcome, NeedsLinking)
    assert await count(session, UserAuthProvider) == 0
    linked = await service.confirm_linking(await signed_in(session, ann), outcome.token)
    assert (linked.user_id, linked.is_primary, linked.provider_data) == (ann.id, True, {"picture": "a.png"})
    assert isinstance(await service.sign_in(identity()), SignedIn)
    with pytest.raises(NotFound):
        await service.confirm_linking(await signed_in(session, ann), outcome.token)


async def test_nobody_but_the_accounts_owner_makes_the_link(session: AsyncSession, ann: User) -> None:
    """Trap 1: linking needs the account owner's proof, not that of whoever came with the identity."""
    service = UnifiedAuthService(session, "open")
    mallory = (await service.sign_in(identity("m", "mallory@example.org"))).user
    outcome = await service.sign_in(identity())
    assert isinstance(outcome, NeedsLinking)
    for act in (service.confirm_linking, service.cancel_linking):
        with pytest.raises(NotFound):
            await act(await signed_in(session, mallory), outcome.token)
    await service.cancel_linking(await signed_in(session, ann), outcome.token)
    with pytest.raises(NotFound):
        await service.confirm_linking(await signed_in(session, ann), outcome.token)


async def test_an_address_that_a_linked_provider_vouches_for_is_verified_and_let_in_where_it_was_invited(
    session: AsyncSession, eve: User
) -> None:
    team_id = await invited(session, eve.email)
    service = UnifiedAuthService(session, "open")
    outcome = await service.sign_in(identity(email="EVE@example.org"))
    assert isinstance(outcome, NeedsLinking)
    assert eve.email_verified_at is None
    await service.confirm_linking(await signed_in(session, eve), outcome.token)
    await session.refresh(eve)
    assert eve.email_verified_at is not None
    assert await members(session, team_id) == {eve.id: "admin"}


async def test_an_account_that_was_linked_unverified_is_verified_by_the_next_sign_in_for_its_address(
    session: AsyncSession, eve: User
) -> None:
    """So an earlier release left it. Another address says nothing, nor does one that nobody vouches for."""
    team_id = await invited(session, eve.email)
    await AsyncLinkedProviders(session).link(eve.id, "sso_google", "1")
    service = UnifiedAuthService(session, "open")
    for says_nothing in (
        identity(),
        identity(email=None),
        identity(email=eve.email, verified=False),
    ):
        await service.sign_in(says_nothing)
        await session.refresh(eve)
        assert eve.email_verified_at is None
    await service.sign_in(identity(email="Eve@example.org"))
    await session.refresh(eve)
    assert eve.email_verified_at is not None
    assert await members(session, team_id) == {eve.id: "admin"}


async def test_a_link_that_was_made_elsewhere_meanwhile_is_refused(session: AsyncSession, ann: User) -> None:
    service = UnifiedAuthService(session, "open")
    outcome = await service.sign_in(identity())
    assert isinstance(outcome, NeedsLinking)
    ann.email = "other@example.org"
    await session.flush()
    await service.sign_in(identity())  # it has an account of its own now
    with pytest.raises(ProviderTaken):
        await service.confirm_linking(await signed_in(session, ann), outcome.token)


async def test_an_account_has_one_identity_of_a_provider(session: AsyncSession, ann: User) -> None:
    service = UnifiedAuthService(session, "open")
    outcome = await service.sign_in(identity("1"))
    assert isinstance(outcome, NeedsLinking)
    await service.confirm_linking(await signed_in(session, ann), outcome.token)
    with pytest.raises(ProviderTaken):
        await service.sign_in(identity("2"))


async def test_a_closed_account_stays_closed_by_every_way(session: AsyncSession, ann: User) -> None:
    service = UnifiedAuthService(session, "open")
    outcome = await service.sign_in(identity())
    assert isinstance(outcome, NeedsLinking)
    await service.confirm_linking(await signed_in(session, ann), outcome.token)
    ann.disabled_at = now()
    await session.flush()
    for claim in (identity(), identity(at="sso_other")):
        with pytest.raises(AccountDisabled):
            await service.sign_in(claim)


@pytest.mark.parametrize("mode", ["invite", "closed"])
async def test_where_not_anybody_may_a_stranger_gets_no_account(
    session: AsyncSession, ann: User, mode: str
) -> None:
    with pytest.raises(SignUpRefused):
        await UnifiedAuthService(session, mode).sign_in(identity(email="new@example.org"))  # type: ignore[arg-type]
    assert await count(session, User) == 1


async def test_an_invited_address_makes_an_account_in_its_organisation(
    session: AsyncSession, ann: User
) -> None:
    team = Organisation(name="Team")
    session.add(team)
    await session.flush()
    session.add(OrganisationMember(organisation_id=team.id, user_id=ann.id, role=OrganisationRole.OWNER))
    await AsyncInvitations(session).create("Bob@example.org", ann.id, team.id, OrganisationRole.MEMBER)
    service = UnifiedAuthService(session, "invite")
    with pytest.raises(SignUpRefused):
        await service.sign_in(identity("c", "carl@example.org"))
    bob = (await service.sign_in(identity("b", "bob@example.org"))).user
    assert await members(session, team.id) == {ann.id: "owner", bob.id: "member"}


async def test_invitations_fill_no_more_places_than_anybody_has(session: AsyncSession) -> None:
    first = await invited(session, "bob@example.org")
    again, _ = new_invitation("bob@example.org", None, first, OrganisationRole.MEMBER)
    session.add(again)
    for _ in range(MOST_ORGANISATIONS + 1):
        last = await invited(session, "bob@example.org")
    bob = (await UnifiedAuthService(session, "invite").sign_in(identity("b", "bob@example.org"))).user
    assert await session.scalar(select(count_of_places(bob.id))) == MOST_ORGANISATIONS
    waiting = await session.scalars(
        select(Invitation.organisation_id)
        .where(Invitation.accepted_at.is_(None))
        .order_by(Invitation.created_at)
    )
    assert len(left := waiting.all()) == 2
    assert left[-1] == last


async def test_an_old_invitation_lets_nobody_in(session: AsyncSession, ann: User) -> None:
    invitation, _ = new_invitation("bob@example.org", ann.id)
    invitation.expires_at = now() - timedelta(seconds=1)
    session.add(invitation)
    await session.flush()
    with pytest.raises(SignUpRefused):
        await UnifiedAuthService(session, "invite").sign_in(identity("b", "bob@example.org"))


async def test_no_sign_in_deletes_anything(session: AsyncSession, ann: User) -> None:
    """Trap 2: a user whom the provider did not know was deleted with all that was theirs."""
    service = UnifiedAuthService(session, "open")
    for claim in (identity(), identity("2"), identity(email="other@example.org", uid="3")):
        await service.sign_in(claim)
    assert await session.get(User, ann.id) is ann
    assert await count(session, User) == 2


async def invited(session: AsyncSession, email: str) -> UUID:
    """A new organisation that waits for this address, to be its admin."""
    team = Organisation(name="Team")
    session.add(team)
    await session.flush()
    invitation, _ = new_invitation(email, None, team.id, OrganisationRole.ADMIN)
    session.add(invitation)
    await session.flush()
    return team.id


async def members(session: AsyncSession, organisation_id: UUID) -> dict[UUID, str]:
    found = await session.scalars(
        select(OrganisationMember).where(OrganisationMember.organisation_id == organisation_id)
    )
    return {member.user_id: member.role for member in found}
