"""Who but its owner may see a conversation, or ask in it. No worker shares anything: there is no sync twin."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth.grants import Grant
from riverrun.auth.principal import Principal, get_scoped
from riverrun.auth.share_views import SharesView
from riverrun.auth.subject_shares import AsyncSubjectShares, Terms
from riverrun.conversations.models import Conversation
from riverrun.conversations.sharing_schemas import NamedPerson, Visibility


class AsyncShareChatService:
    """Shares conversations of one principal.

    Every method raises ``NotFound`` for a conversation that the principal may not see, and ``Forbidden`` for one that
    is somebody else's.
    """

    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._session = session
        self._principal = principal

    async def share_chat(
        self,
        conversation_id: UUID,
        recipient_emails: Collection[str] = (),
        visibility: Visibility = Visibility.PRIVATE,
        *,
        organisation_ids: Collection[UUID] = (),
        terms: Terms | None = None,
        requires_sign_in: bool = True,
    ) -> tuple[Grant, str] | None:
        """Let people in; with ``PUBLIC`` also by a new link, whose grant and token are returned.

        ``PRIVATE`` ends all links. Where there was one, nobody stays in silently: only those who are named now are.

        Raises:
            NotFound: an organisation that the principal is not in.
            TooManyShares: more than may be named, or more links.
        """
        shares = await self._shares_of(conversation_id)
        given = terms or Terms()
        link = None
        if visibility is Visibility.PUBLIC:
            link = await shares.make_link(given, requires_sign_in=requires_sign_in)
        elif await shares.take_back_links():
            await shares.take_back_people_but(recipient_emails)
            await shares.take_back_every_organisation()
        await shares.name_people(recipient_emails, given)
        await shares.name_organisations(self._principal, organisation_ids, given)
        return link

    async def get_shared_emails(self, conversation_id: UUID) -> Sequence[str]:
        """The addresses of those who are named, in the order in which they were."""
        shares = await self._shares_of(conversation_id)
        return [grant.email for grant in await shares.list() if grant.email is not None]

    async def get_shares(self, conversation_id: UUID) -> SharesView:
        """Everybody who is let in, and how."""
        return await (await self._shares_of(conversation_id)).view()

    async def set_people(self, conversation_id: UUID, people: Sequence[NamedPerson]) -> None:
        """Let in these people by name, and no others; links and organisations stay."""
        shares = await self._shares_of(conversation_id)
        await shares.take_back_people_but([person.email for person in people])
        for person in people:
            await shares.name_people([person.email], Terms(person.role, person.expires_at))

    async def remove_access(
        self, conversation_id: UUID, emails: Collection[str], organisation_ids: Collection[UUID] = ()
    ) -> None:
        """Shut people and organisations out; their open streams end.

        Raises:
            BadRequest: none of them was in.
        """
        await (await self._shares_of(conversation_id)).shut_out(emails, organisation_ids)

    async def remove_link(self, conversation_id: UUID, link_id: UUID) -> None:
        """Make a link open nothing any more; streams of those who came by it end.

        Raises:
            NotFound: there is no such link.
        """
        await (await self._shares_of(conversation_id)).take_back_link(link_id)

    async def _shares_of(self, conversation_id: UUID) -> AsyncSubjectShares:
        """Locked: of two changes the later one sees what the earlier one did."""
        await get_scoped(self._session, self._principal, Conversation, conversation_id, lock=True)
        return AsyncSubjectShares(self._session, conversation_id=conversation_id)
