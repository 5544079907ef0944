"""Links that go out by mail: for a forgotten password, to verify an address, to invite somebody."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.auth import statements
from riverrun.auth.models import TokenKind
from riverrun.auth.page_links import Errand, link_to
from riverrun.auth.tokens import new_token
from riverrun.infra.dependencies import after_commit
from riverrun.infra.resources import Resources
from riverrun.infra.settings import Settings
from riverrun.kit.ids import new_uuid
from riverrun.notifications.email_helper import Mail
from riverrun.notifications.mail_room import MailRoom


@dataclass(frozen=True, slots=True)
class Wording:
    """What a mail says around its link."""

    subject: str
    before: str
    after: str


RESET_LIFETIME = timedelta(hours=1)
VERIFICATION_LIFETIME = timedelta(hours=24)
RESET = Wording(
    "A new password for Riverrun",
    "Somebody, probably you, asked for a new password for this address. Choose one here, within an hour:",
    "If it was not you, do nothing: your password stays as it is.",
)
VERIFICATION = Wording(
    "Is this your address?",
    "Somebody, probably you, made an account at Riverrun with this address. Sign in and say that it is yours, within a day:",
    "If it was not you, do nothing: the account gets nothing that is meant for you.",
)
INVITATION = Wording(
    "An invitation to Riverrun",
    "You are invited to Riverrun, which answers questions about code. Make your account here, within a week:",
    "The link works once, and for this address.",
)


class AsyncMailedLinks:
    """Makes links in the request's transaction; the mail goes out after the commit. Who asks does not learn whether it does."""

    def __init__(self, session: AsyncSession, mails: MailRoom, settings: Settings) -> None:
        self._session = session
        self._mails = mails
        self._base_url = settings.base_url

    async def offer_verification(self, email: str) -> None:
        """Send a link that proves the address to be its account's owner's."""
        token = new_token()
        offer = statements.insert_token_of_address(
            email, TokenKind.EMAIL_VERIFICATION, token, VERIFICATION_LIFETIME
        )
        if await self._session.scalar(offer) is not None:
            self._mail(email, VERIFICATION, Errand.EMAIL_VERIFICATION, token)

    def send_invitation(self, email: str, token: str) -> str:
        """Send an invitation, where mail is sent at all; its link."""
        if self._mails.is_open:
            self._mail(email, INVITATION, Errand.INVITATION, token)
        return link_to(self._base_url, Errand.INVITATION, token)

    def _mail(self, to: str, wording: Wording, errand: Errand, token: str) -> None:
        mail = _mail_with(link_to(self._base_url, errand, token), to, wording)
        after_commit(self._session, lambda: self._mails.post(mail))


def offer_password_reset(email: str, resources: Resources, mails: MailRoom) -> None:
    """Send a link by which the address' owner sets a password. Nothing of it happens in the request: how long that takes
    tells nobody whether the address has an account.
    """
    mails.post_when_written(RESET.subject, lambda: _write_password_reset(email, resources))


async def _write_password_reset(email: str, resources: Resources) -> Mail | None:
    """The mail, with its link's token stored; none where nobody has the address."""
    token = new_token()
    offer = statements.insert_token_of_address(email, TokenKind.PASSWORD_RESET, token, RESET_LIFETIME)
    async with resources.engine.begin() as connection:
        if await connection.scalar(offer) is None:
            return None
    return _mail_with(link_to(resources.settings.base_url, Errand.PASSWORD_RESET, token), email, RESET)


def _mail_with(link: str, to: str, wording: Wording) -> Mail:
    text = f"{wording.before}\n\n  {link}\n\n{wording.after}\n"
    return Mail(new_uuid(), to, wording.subject, text)
