"""Open streams end with the right to read them: one task a process, one query a second, however many are open."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine

from riverrun.auth import grant_statements
from riverrun.auth.loss_statements import Loss, losses_within, still_readable, values_of
from riverrun.auth.principal import Principal, Who
from riverrun.kit.background import run_beside
from riverrun.kit.clock import now

LOOK_SECONDS = 1.0
WINDOW_SECONDS = 10.0
"""Each look takes in so much of the past: a transaction may commit after one that has begun later."""
MOST_BLIND_SECONDS = 5.0
"""After so long without a look every stream is looked at."""
STREAMS_A_TURN = 500
PRUNE_SECONDS = 600.0
KEEP_REVOCATIONS = timedelta(hours=1)

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

Readable = Callable[[Who], Select[UUID, bool]]
"""``(run id, whether its sources are hidden)`` for all runs that somebody may read."""


class ReadingPermit:
    """One reader's right to some runs, as ``streaming.permits.Permit`` wants it.

    ``hides_sources`` says of each run whether its sources are hidden; ``subject_ids`` are the conversations and
    projects on which all of that rests.
    """

    __slots__ = ("_hides_sources", "_on_loss", "_watch", "given_at", "principal", "subject_ids")

    def __init__(
        self,
        watch: "StreamWatch",
        principal: Principal,
        hides_sources: Mapping[UUID, bool],
        subject_ids: Collection[UUID],
    ) -> None:
        self.principal = principal
        self.subject_ids = subject_ids
        self.given_at = asyncio.get_running_loop().time()
        self._watch = watch
        self._hides_sources = hides_sources
        self._on_loss: Callable[[], None] | None = None

    @property
    def run_ids(self) -> Collection[UUID]:
        """The runs that it lets read."""
        return self._hides_sources.keys()

    def hides_sources_of(self, run_id: UUID) -> bool:
        """Whether the run's sources are not for this reader."""
        return self._hides_sources[run_id]

    def held(self, on_loss: Callable[[], None]) -> "ReadingPermit":
        """Be watched over. Its own context: of tens of thousands of streams each would need two more objects."""
        self._on_loss = on_loss
        return self

    def __enter__(self) -> None:
        self._watch.add(self)

    def __exit__(self, *_: object) -> None:
        self._watch.drop(self)

    def is_concerned(self, loss: Loss) -> bool:
        """Whether something was taken away on which this rests."""
        return (
            loss.token_id == self.principal.token_id is not None
            or loss.user_id == self.principal.user_id
            or loss.subject_id in self.subject_ids
        )

    def rests_on(self, readable: Mapping[UUID, bool]) -> bool:
        """Whether all that it gives is in ``readable``, what the principal may read now."""
        return all(
            run_id in readable and hides >= readable[run_id] for run_id, hides in self._hides_sources.items()
        )

    def lose(self) -> None:
        """End the stream; twice is once."""
        on_loss, self._on_loss = self._on_loss, None
        if on_loss is not None:
            on_loss()


class StreamWatch:
    """Looks each second for what was revoked or has run out, and ends the streams that lost their right by it.

    While Postgres is away streams go on; when it is back every one is looked at. Without a stream it asks nothing.
    """

    def __init__(self, engine: AsyncEngine, readable: Readable) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._losses = losses_within(timedelta(seconds=WINDOW_SECONDS))
        self._still_readable = still_readable(readable)
        self._permits: set[ReadingPermit] = set()
        self._fresh: set[ReadingPermit] = set()
        self._seen: frozenset[Loss] = frozenset()
        self._looked_at = float("-inf")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["StreamWatch"]:
        """Keep looking, and forget revocations that are old."""
        async with run_beside(self._look_again_and_again, self._prune):
            yield self

    @property
    def streams(self) -> int:
        """How many streams are watched over."""
        return len(self._permits)

    def permit(
        self, principal: Principal, hides_sources: Mapping[UUID, bool], subject_ids: Collection[UUID]
    ) -> ReadingPermit:
        """A right that the caller has just found in the tables."""
        return ReadingPermit(self, principal, hides_sources, subject_ids)

    def add(self, permit: ReadingPermit) -> None:
        """Watch over an open stream."""
        self._permits.add(permit)
        self._fresh.add(permit)

    def drop(self, permit: ReadingPermit) -> None:
        """It is closed."""
        self._permits.discard(permit)
        self._fresh.discard(permit)

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._permits:
                continue
            try:
                await self.look()
            except Exception as error:
                logger.warning("rights of open streams cannot be looked at now: %s", error)

    async def look(self) -> None:
        """Look once, and end the streams that lost their right.

        Raises:
            Exception: the driver's error when Postgres cannot be asked; the next look takes in all that this one missed.
        """
        began = asyncio.get_running_loop().time()
        fresh, self._fresh = self._fresh, set()
        try:
            losses = await self._ask_for_losses()
            await self._check(await self._concerned(losses, fresh, began))
        except BaseException:
            self._fresh |= fresh & self._permits
            raise
        self._seen, self._looked_at = losses, began

    async def _ask_for_losses(self) -> frozenset[Loss]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(self._losses)
            return frozenset(Loss(*row) for row in rows)

    async def _concerned(
        self, losses: frozenset[Loss], fresh: set[ReadingPermit], began: float
    ) -> list[ReadingPermit]:
        """Those that a new loss may touch. One that was given since the last look is held against older ones too:
        they may have happened between the look at its right and its first byte.
        """
        if began - self._looked_at > MOST_BLIND_SECONDS:
            return list(self._permits)
        new = losses - self._seen
        found = [permit for permit in fresh if _is_touched(permit, losses, began)]
        if not new:
            return found
        for turn in _turns(list(self._permits - fresh), STREAMS_A_TURN):
            found += [permit for permit in turn if any(map(permit.is_concerned, new))]
            await asyncio.sleep(0)
        return found

    async def _check(self, permits: Iterable[ReadingPermit]) -> None:
        """Read the rights of all concerned anew, by the conditions by which they were found, and end what lost one."""
        for turn in _turns(list(permits), STREAMS_A_TURN):
            readable = await self._ask_for_rights(turn)
            for number, permit in enumerate(turn):
                if not permit.rests_on(readable[number]):
                    permit.lose()

    async def _ask_for_rights(self, permits: Sequence[ReadingPermit]) -> list[dict[UUID, bool]]:
        """For each what its holder may read of it now, in one query."""
        asked = [
            (number, permit.principal, run_id)
            for number, permit in enumerate(permits)
            for run_id in permit.run_ids
        ]
        readable: list[dict[UUID, bool]] = [{} for _ in permits]
        async with self._engine.connect() as connection:
            rows = await connection.execute(self._still_readable, values_of(asked))
            for run_id, hides_sources, number in rows:
                readable[number][run_id] = hides_sources
        return readable

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            try:
                async with self._engine.connect() as connection:
                    await connection.execute(grant_statements.forget_revocations(now() - KEEP_REVOCATIONS))
            except Exception as error:
                logger.warning("old revocations cannot be forgotten now: %s", error)


def _is_touched(permit: ReadingPermit, losses: Collection[Loss], began: float) -> bool:
    """One whose stream opened long after it was given may have missed what the window does not show any more."""
    is_old = began - permit.given_at > WINDOW_SECONDS - MOST_BLIND_SECONDS
    return is_old or any(map(permit.is_concerned, losses))


def _turns(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


async def get_stream_watch(request: Request) -> StreamWatch:
    """The process's watch."""
    watch: StreamWatch = request.state.stream_watch
    return watch


CurrentWatch = Annotated[StreamWatch, Depends(get_stream_watch)]
