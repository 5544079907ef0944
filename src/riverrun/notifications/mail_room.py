"""Mail goes out beside the requests that ask for it: bounded, tried for two minutes each, lost with the process."""

import asyncio
import contextlib
import itertools
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from riverrun.kit.background import end
from riverrun.notifications.email_helper import EmailHelper, Mail, MailRefused

MOST_UNDER_WAY = 100
AT_A_TIME = 2
"""So many are handed in at once: mail servers take a few a second, and a burst would run into their limit."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""No second try begins later than this after a mail was posted."""
LEAVING_SECONDS = 2.0
"""How long a process that ends waits for mails that are on their way."""

Writing = Callable[[], Awaitable[Mail | None]]
"""Finds out whether there is a mail to send, and writes it."""

logger = logging.getLogger(__name__)


class MailRoom:
    """Takes mails without waiting. Without a helper it takes none and says so in the log, with no word of the mail."""

    def __init__(
        self,
        helper: EmailHelper | None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._helper = helper
        self._pause = pause
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_A_TIME)
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
        try:
            await self._hand_in(helper, mail, self._clock())
        except MailRefused as error:
            logger.error("the mail server did not take '%s': %s", mail.subject, error)

    async def _hand_in(self, helper: EmailHelper, mail: Mail, began: float) -> None:
        """Try until it is taken; the turn is kept meanwhile, so that a server in trouble is asked by two at most.

        Raises ``MailRefused`` when that is final, or has gone on for too long: who waited for a turn longer has one try.
        """
        async with self._turns:
            for failures in itertools.count(1):
                try:
                    await helper.send_email(mail)
                    return
                except MailRefused as error:
                    pause_seconds = _pause_seconds(error, failures)
                    if not error.is_passing or self._clock() + pause_seconds - began > PATIENCE_SECONDS:
                        raise
                await self._pause(pause_seconds)


def _pause_seconds(refusal: MailRefused, failures: int) -> float:
    """What the server asks for, within bounds; else twice as long as the last time, up to a half less at random."""
    if (asked := refusal.retry_after_seconds) is not None:
        return min(max(asked, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
    doubled: float = FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16)
    return min(doubled, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1)


def _say_that_nothing_is_sent(subject: str) -> None:
    logger.warning("no mail server is set: '%s' was not sent to anybody", subject)
