"""One mail, handed in at a server that speaks Resend's API."""

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from pydantic import SecretStr

from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.web_address import is_web_address
from riverrun.kit.clock import now

CONNECT_TIMEOUT_SECONDS = 10.0
TOTAL_TIMEOUT_SECONDS = 30.0
PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Refusals of the moment, beside the server's own faults. 409: a try with the same idempotency key is still under way."""
NAMES = {
    "URL": "RIVERRUN_EMAIL_API_URL",
    "KEY": "RIVERRUN_EMAIL_API_KEY",
    "FROM": "RIVERRUN_EMAIL_FROM",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """Plain text for one person. ``id`` keeps a mail that is handed in twice from being sent twice."""

    id: UUID
    to: str
    subject: str
    text: str


class MailRefused(Exception):
    """The mail server did not take it. ``is_passing``: it may, a moment later. Holds neither address nor text.

    ``retry_after_seconds`` is how long the server asks to be left alone, if it says so, at whatever length.
    """

    def __init__(self, reason: str, *, is_passing: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.is_passing = is_passing
        self.retry_after_seconds = retry_after_seconds


class EmailHelper:
    """Hands mails in. Async only: mail goes out of the API."""

    def __init__(self, client: httpx2.AsyncClient, api_url: str, api_key: str, sender: str) -> None:
        self._client = client
        self._api_url = api_url
        self._headers = {"authorization": f"Bearer {api_key}"}
        self._sender = sender

    async def send_email(self, mail: Mail) -> None:
        """Hand it in, within 30 seconds. The answer's status says whether it was taken; its body is not read.

        Raises:
            MailRefused: it was not taken.
        """
        body = {"from": self._sender, "to": [mail.to], "subject": mail.subject, "text": mail.text}
        headers = {**self._headers, "idempotency-key": str(mail.id)}
        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT_SECONDS),
                self._client.stream("POST", self._api_url, json=body, headers=headers) as answer,
            ):
                pass
        except (httpx2.TransportError, TimeoutError) as error:
            raise MailRefused(f"it cannot be reached ({type(error).__name__})", is_passing=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise MailRefused(f"it cannot be asked ({type(error).__name__})", is_passing=False) from error
        if not answer.is_success:
            raise MailRefused(
                f"it answered {answer.status_code}",
                is_passing=answer.status_code in PASSING or answer.status_code >= 500,
                retry_after_seconds=_retry_after_seconds(answer.headers.get("retry-after", "")),
            )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, by what key, and whose it is."""

    api_url: str
    api_key: SecretStr
    sender: str


def mail_server_of(settings: Settings) -> MailServer | None:
    """What the settings name; none when they name no mail server.

    Raises:
        MissingSetting: they do so by halves, without TLS and without allowing that, or by what cannot be sent.
    """
    url, key, sender = settings.email_api_url, settings.email_api_key, settings.email_from
    if not (url or key or sender):
        return None
    if not (url and key and sender):
        given = {"URL": url, "KEY": key, "FROM": sender}
        missing = [NAMES[part] for part, value in given.items() if not value]
        raise MissingSetting(
            f"mail is set by halves: set {' and '.join(missing)} as well, or none of the three"
        )
    if not _may_be_reached(url, settings.allowed_hosts):
        raise MissingSetting(
            f"{NAMES['URL']} must be an https address, or its host:port in RIVERRUN_ALLOWED_HOSTS"
        )
    if not _may_be_sent(key.get_secret_value()):
        raise MissingSetting(f"{NAMES['KEY']} must be of ASCII characters, without spaces and line breaks")
    return MailServer(url, key, sender)


def open_email_helper(settings: Settings) -> EmailHelper | None:
    """A helper for the mail server that the settings name; none when they name none.

    Raises:
        MissingSetting: as ``mail_server_of``.
    """
    server = mail_server_of(settings)
    if server is None:
        return None
    timeout = httpx2.Timeout(TOTAL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
    client = httpx2.AsyncClient(timeout=timeout, trust_env=False)
    return EmailHelper(client, server.api_url, server.api_key.get_secret_value(), server.sender)


def _retry_after_seconds(header: str) -> float | None:
    """Both forms of ``Retry-After``, seconds and a date; none for anything else."""
    try:
        seconds = float(header)
        return seconds if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(header) - now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def _may_be_reached(url: str, allowed_hosts: Collection[str]) -> bool:
    if not is_web_address(url):
        return False
    place = urlsplit(url)
    return place.scheme == "https" or place.netloc in allowed_hosts


def _may_be_sent(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key
