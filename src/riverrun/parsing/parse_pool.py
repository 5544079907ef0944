"""Parsing on all cores: a few helpers, each fed by a thread that only moves bytes."""

import os
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event
from typing import Self
from uuid import UUID

from riverrun.parsing.parse_client import (
    FILE_TIMEOUT_SECONDS,
    HELPER_COMMAND,
    ParseHelper,
    ParseReply,
    ParseRequest,
)

MAX_HELPERS = 4
BATCHES_AHEAD = 4
"""How many batches wait for each helper, so that none is idle while the indexer talks to Postgres."""
WAIT_SECONDS = 0.2


class ParsePool:
    """Helpers that outlive one indexing, so that a small change does not pay for their start.

    One indexing at a time. ``close`` ends the processes; so does the death of this one.
    """

    def __init__(
        self,
        size: int | None = None,
        command: tuple[str, ...] = HELPER_COMMAND,
        *,
        file_timeout_seconds: float = FILE_TIMEOUT_SECONDS,
    ) -> None:
        self._abandoned = Event()
        self._helpers = [
            ParseHelper(
                command, file_timeout_seconds=file_timeout_seconds, is_abandoned=self._abandoned.is_set
            )
            for _ in range(size or min(os.cpu_count() or 1, MAX_HELPERS))
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int | None]:
        """The helpers' processes, as far as there are any."""
        return [helper.pid for helper in self._helpers]

    def start(self) -> None:
        """Begin starting the helpers while the caller does something else."""
        for helper in self._helpers:
            with suppress(OSError):  # Said when it is needed.
                helper.start()

    def close(self) -> None:
        """End all helpers."""
        for helper in self._helpers:
            helper.close()

    def parse(self, project_id: UUID, batches: Iterable[list[ParseRequest]]) -> Generator[list[ParseReply]]:
        """The replies to each batch, in the order in which they come.

        ``batches`` is read by the caller's thread, only a little ahead of the helpers. Yields an empty list at least
        every ``WAIT_SECONDS`` when nothing came. Closing the iterator abandons what is under way.
        Raises ``HelperUnavailable``.
        """
        self._abandoned.clear()
        work = _Work(project_id)
        executor = ThreadPoolExecutor(len(self._helpers), thread_name_prefix="parse")
        try:
            for helper in self._helpers:
                executor.submit(self._serve, helper, work)
            under_way = 0
            for batch in batches:
                work.waiting.put(batch)
                under_way += 1
                while under_way >= BATCHES_AHEAD * len(self._helpers):
                    under_way -= bool(replies := work.next_replies())
                    yield replies
            while under_way:
                under_way -= bool(replies := work.next_replies())
                yield replies
        finally:
            self._abandoned.set()
            for _ in self._helpers:
                work.waiting.put(_NO_MORE)
            executor.shutdown(wait=True)

    def _serve(self, helper: ParseHelper, work: "_Work") -> None:
        """Have a helper parse batch after batch, each sent before the one before it is done, if it is known by then."""
        try:
            batch = work.waiting.get()
            while batch and not self._abandoned.is_set():
                try:
                    following = work.waiting.get_nowait()
                except Empty:
                    work.done.put(helper.parse(work.project_id, batch))
                    batch = work.waiting.get()
                else:
                    work.done.put(helper.parse(work.project_id, batch, following))
                    batch = following
        except Exception as error:
            work.done.put(error)


_NO_MORE: list[ParseRequest] = []


class _Work:
    """What one parse hands to its threads, and they hand back."""

    def __init__(self, project_id: UUID) -> None:
        self.project_id = project_id
        self.waiting: SimpleQueue[list[ParseRequest]] = SimpleQueue()
        self.done: SimpleQueue[list[ParseReply] | Exception] = SimpleQueue()

    def next_replies(self) -> list[ParseReply]:
        """Those of one batch, or none after ``WAIT_SECONDS``. Raises what ended a thread."""
        try:
            result = self.done.get(timeout=WAIT_SECONDS)
        except Empty:
            return []
        if isinstance(result, Exception):
            raise result
        return result
