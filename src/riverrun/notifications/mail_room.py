"""Mail goes out beside the requests that ask for it: bounded, a few tries each, lost with the process."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from riverrun.kit.background import end
from riverrun.notifications.email_helper import EmailHelper, Mail, MailRefused

MOST_UNDER_WAY = 100
TRIES = 3
PAUSE_SECONDS = 2.0
LEAVING_SECONDS = 2.0
"""How long a process that ends waits for mails that are on their way."""

Writing = Callable[[], Awaitable[Mail | None]]
"""Finds out whether there is a mail to send, and writes it."""

logger = logging.getLogger(__name__)


class MailRoom:
    """Takes mails without waiting. Without a helper it takes none and says so in the log, with no word of the mail."""

    def __init__(self, helper: EmailHelper | None, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._helper = helper
        self._pause_seconds = pause_seconds
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether mail can be sent at all."""
        return self._helper is not None

    def post(self, mail: Mail) -> None:
        """Send it, soon; call it when what the mail speaks of is committed."""
        if self._helper is not None:
            self._begin(self._send(self._helper, mail), mail.subject)
        else:
            _say_that_nothing_is_sent(mail.subject)

    def post_when_written(self, subject: str, write: Writing) -> None:
        """Write it and send it, soon. Who asks for it waits for neither, and cannot tell whether anything is sent."""
        if self._helper is not None:
            self._begin(self._write_and_send(self._helper, subject, write), subject)
        else:
            _say_that_nothing_is_sent(subject)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Mails that are on their way at the end get a moment; then they are given up."""
        try:
            yield
        finally:
            if self._under_way:
                _, late = await asyncio.wait(self._under_way, timeout=LEAVING_SECONDS)
                await end(late)
            if self._helper is not None:
                await self._helper.close()

    def _begin(self, work: Coroutine[Any, Any, None], subject: str) -> None:
        if len(self._under_way) >= MOST_UNDER_WAY:
            work.close()
            logger.error("%d mails are on their way: '%s' was dropped", MOST_UNDER_WAY, subject)
            return
        task = asyncio.create_task(work, name="mail")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _write_and_send(self, helper: EmailHelper, subject: str, write: Writing) -> None:
        try:
            mail = await write()
        except (SQLAlchemyError, OSError) as error:
            logger.error("'%s' could not be written and was not sent: %s", subject, type(error).__name__)
            return
        if mail is not None:
            await self._send(helper, mail)

    async def _send(self, helper: EmailHelper, mail: Mail) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                await helper.send_email(mail)
            except MailRefused as error:
                if error.is_passing and tries_left:
                    await asyncio.sleep(self._pause_seconds)
                    continue
                logger.error("the mail server did not take '%s': %s", mail.subject, error)
            return


def _say_that_nothing_is_sent(subject: str) -> None:
    logger.warning("no mail server is set: '%s' was not sent to anybody", subject)
