"""An outage in the log: a line when it begins, one a minute while it lasts, one when it is over."""

import logging
import time

REPEAT_SECONDS = 60.0


class OutageLog:
    """Of one thing that is tried over and over. ``over`` is what there is to say once it works again."""

    def __init__(self, logger: logging.Logger, over: str) -> None:
        self._logger = logger
        self._over = over
        self._words = ""
        self._said_at = 0.0

    def failed(self, words: str, error: BaseException) -> None:
        """Other words for it are said at once; the error alone may change with each try."""
        now = time.monotonic()
        if words != self._words or now - self._said_at >= REPEAT_SECONDS:
            self._words = words
            self._said_at = now
            self._logger.warning("%s: %s", words, error)

    def worked(self) -> None:
        if self._words:
            self._words = ""
            self._logger.info("%s", self._over)
