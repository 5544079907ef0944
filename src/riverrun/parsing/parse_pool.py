"""Parsing on all cores: a few helpers, each fed by a thread that only moves bytes."""

import os
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import SimpleQueue
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
        self._idle: SimpleQueue[ParseHelper] = SimpleQueue()
        for helper in self._helpers:
            self._idle.put(helper)

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
        executor = ThreadPoolExecutor(len(self._helpers), thread_name_prefix="parse")
        pending: set[Future[list[ParseReply]]] = set()
        try:
            for batch in batches:
                pending.add(executor.submit(self._parse_batch, project_id, batch))
                while len(pending) >= BATCHES_AHEAD * len(self._helpers):
                    done, pending = wait(pending, WAIT_SECONDS, FIRST_COMPLETED)
                    yield from (future.result() for future in done) if done else [[]]
            while pending:
                done, pending = wait(pending, WAIT_SECONDS, FIRST_COMPLETED)
                yield from (future.result() for future in done) if done else [[]]
        finally:
            self._abandoned.set()
            executor.shutdown(wait=True, cancel_futures=True)

    def _parse_batch(self, project_id: UUID, batch: list[ParseRequest]) -> list[ParseReply]:
        helper = self._idle.get()
        try:
            return helper.parse(project_id, batch)
        finally:
            self._idle.put(helper)
