"""The answer to a reader that cannot go on from where it is: the whole so far, in one event."""

from uuid import UUID

from riverrun.streaming.events import Event, EventType
from riverrun.streaming.rare_paths import RarePath, note
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.snapshot import LogFold


async def read_reset(run_id: UUID, run_log: RunLog) -> Event:
    """A ``reset`` of all that the run has said but its ``end``, which is to follow. Read page by page: others use the loop too.

    Raises:
        Exception: the record's driver error when neither copy can be read.
    """
    note(RarePath.RESET, run_id)
    fold, is_over = LogFold(), False
    while not is_over and (page := await run_log.read_after(run_id, fold.position)):
        is_over = page[-1].is_end
        fold.take(page[:-1] if is_over else page)
    snapshot, position = fold.placed
    fields = {"snapshot": snapshot.as_fields(), "position": str(position)}
    return Event.create(position, EventType.RESET, fields)
