"""One mail, handed in at a server that speaks Resend's API."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from riverrun.infra.settings import MissingSetting, Settings

CONNECT_TIMEOUT_SECONDS = 10.0
TOTAL_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Mail:
    """Plain text for one person. ``id`` keeps a mail that is handed in twice from being sent twice."""

    id: UUID
    to: str
    subject: str
    text: str


class MailRefused(Exception):
    """The mail server did not take it. ``is_passing``: it may, a moment later. Holds neither address nor text."""

    def __init__(self, reason: str, *, is_passing: bool) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


class EmailHelper:
    """Hands mails in. Async only: mail goes out of the API."""

    def __init__(self, client: httpx2.AsyncClient, api_url: str, api_key: str, sender: str) -> None:
        self._client = client
        self._api_url = api_url
        self._headers = {"authorization": f"Bearer {api_key}"}
        self._sender = sender

    async def send_email(self, mail: Mail) -> None:
        """Hand it in, within 30 seconds.

        Raises:
            MailRefused: it was not taken.
        """
        body = {"from": self._sender, "to": [mail.to], "subject": mail.subject, "text": mail.text}
        headers = {**self._headers, "idempotency-key": str(mail.id)}
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_SECONDS):
                answer = await self._client.post(self._api_url, json=body, headers=headers)
        except (httpx2.TransportError, TimeoutError) as error:
            raise MailRefused(f"it cannot be reached ({type(error).__name__})", is_passing=True) from error
        if not answer.is_success:
            is_passing = answer.status_code == 429 or answer.status_code >= 500
            raise MailRefused(f"it answered {answer.status_code}", is_passing=is_passing)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def open_email_helper(settings: Settings) -> EmailHelper | None:
    """What the settings name; none when they name no mail server.

    Raises:
        MissingSetting: they do so by halves, or without TLS and without allowing that.
    """
    if settings.email_api_url is None:
        return None
    if settings.email_api_key is None or settings.email_from is None:
        raise MissingSetting(
            "RIVERRUN_EMAIL_API_URL is set: set RIVERRUN_EMAIL_API_KEY and RIVERRUN_EMAIL_FROM as well"
        )
    place = urlsplit(settings.email_api_url)
    if place.scheme != "https" and place.netloc not in settings.allowed_hosts:
        raise MissingSetting(
            "RIVERRUN_EMAIL_API_URL must be https, or its host:port in RIVERRUN_ALLOWED_HOSTS"
        )
    timeout = httpx2.Timeout(TOTAL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
    client = httpx2.AsyncClient(timeout=timeout, trust_env=False)
    return EmailHelper(
        client, settings.email_api_url, settings.email_api_key.get_secret_value(), settings.email_from
    )
