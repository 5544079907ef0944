"""Whom one conversation or project is shared with. Its owner is asked for before, and holds its row locked for changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import grant_statements as statements
from riverrun.auth.errors import TooManyShares
from riverrun.auth.grants import Grant, Right
from riverrun.auth.principal import Principal
from riverrun.auth.revocations import Revocation
from riverrun.auth.share_views import SharesView
from riverrun.auth.tokens import new_token, token_hash
from riverrun.kit.clock import now
from riverrun.kit.problem import BadRequest, InvalidRequest, NotFound

MOST_PEOPLE = 500
MOST_ORGANISATIONS = 50
MOST_LINKS = 20


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody is let in for, and until when."""

    right: Right = Right.VIEW
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at <= now():
            raise InvalidRequest("expires_at is over already: name a moment to come.")


class AsyncSubjectShares:
    """Lets people, organisations and links in, and takes that back. Streams that rest on what is taken back end."""

    def __init__(self, session: AsyncSession, **subject: UUID) -> None:
        """``subject`` is ``conversation_id=`` or ``project_id=``."""
        (self._subject_id,) = subject.values()
        self._subject = subject
        self._session = session

    async def list(self) -> Sequence[Grant]:
        """All that is in force, in the order in which it was given."""
        return (await self._session.scalars(statements.grants_on(self._subject_id))).all()

    async def view(self) -> SharesView:
        """The same for people to read."""
        names = await self._session.execute(statements.organisations_on(self._subject_id))
        return SharesView.of(await self.list(), {row.id: row.name for row in names})

    async def name_people(self, emails: Collection[str], terms: Terms) -> None:
        """Let people in by their verified addresses, which are normal; who is in already gets these terms.

        Raises:
            TooManyShares: that would be more than 500.
        """
        if emails:
            named = statements.name_people(self._subject, emails, terms.right, terms.expires_at)
            await self._session.execute(named)
            await self._require_at_most(MOST_PEOPLE, Grant.email)

    async def name_organisations(
        self, owner: Principal, organisation_ids: Collection[UUID], terms: Terms
    ) -> None:
        """Let in whoever is a member of organisations of which the owner is one.

        Raises:
            NotFound: the owner is in no such organisation.
            TooManyShares: that would be more than 50.
        """
        if not organisation_ids:
            return
        mine = await self._session.scalars(statements.memberships_of(owner.user_id, organisation_ids))
        if set(mine) != set(organisation_ids):
            raise NotFound
        named = statements.name_organisations(self._subject, organisation_ids, terms.right, terms.expires_at)
        await self._session.execute(named)
        await self._require_at_most(MOST_ORGANISATIONS, Grant.organisation_id)

    async def make_link(self, terms: Terms, *, requires_sign_in: bool) -> tuple[Grant, str]:
        """A link's grant and its token, which is never to be had again.

        Raises:
            TooManyShares: there are 20 already.
        """
        token = new_token()
        made = statements.insert_link(
            self._subject,
            token_hash(token),
            terms.right,
            terms.expires_at,
            requires_sign_in=requires_sign_in,
        )
        grant = (await self._session.scalars(made)).one()
        await self._require_at_most(MOST_LINKS, Grant.link_hash)
        return grant, token

    async def shut_out(self, emails: Collection[str], organisation_ids: Collection[UUID]) -> None:
        """Take back what people and organisations were given.

        Raises:
            BadRequest: none of them was in.
        """
        people = await self._take_back(Grant.email.in_(emails))
        if not people + await self._take_back(Grant.organisation_id.in_(organisation_ids)):
            raise BadRequest("None of those that you name has access: look at the list of those who have.")

    async def take_back_people_but(self, emails: Collection[str]) -> int:
        """Shut out everybody who is named, but these."""
        return await self._take_back(Grant.email.is_not(None), Grant.email.not_in(emails))

    async def take_back_every_organisation(self) -> int:
        """Shut all organisations out."""
        return await self._take_back(Grant.organisation_id.is_not(None))

    async def take_back_link(self, link_id: UUID) -> None:
        """Make a link open nothing any more.

        Raises:
            NotFound: there is no such link here.
        """
        if not await self._take_back(Grant.link_hash.is_not(None), Grant.id == link_id):
            raise NotFound

    async def take_back_links(self) -> int:
        """The same of all links; how many of them still opened something."""
        await self._take_back(statements.HAS_RUN_OUT)
        return await self._take_back(Grant.link_hash.is_not(None))

    async def _take_back(self, *which: Any) -> int:
        taken = (await self._session.scalars(statements.take_back(self._subject_id, *which))).all()
        if taken:
            self._session.add(Revocation(subject_id=self._subject_id))
        return len(taken)

    async def _require_at_most(self, most: int, column: Any) -> None:
        """What has run out nobody sees in a list, or could take back: it goes when its place is needed."""
        if await self._count(column) > most:
            await self._take_back(statements.HAS_RUN_OUT)
            if await self._count(column) > most:
                raise TooManyShares(f"At most {most} of a kind: take some back first.")

    async def _count(self, column: Any) -> int:
        return await self._session.scalar(statements.count_of(self._subject_id, column)) or 0
