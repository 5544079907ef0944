"""Stopping a run with a receipt: the intent is durable first, then everybody is told, then the end is awaited."""

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.kit.problem import NotFound
from riverrun.runs.channels import RunChannels
from riverrun.runs.models import Run
from riverrun.runs.run_service import AsyncRecorder, AsyncRunService
from riverrun.runs.schemas import StopReceipt

PATIENCE_SECONDS = 5.0


async def stop_run(
    run: Run, session: AsyncSession, channels: RunChannels, record: AsyncRecorder
) -> StopReceipt:
    """Stop ``run`` and say what is left of it. Twice is once; after the end it changes nothing.

    No database connection is held while the worker finishes; it gets five seconds before the receipt says so. A run
    whose worker is gone is ended here: at once if its lease has run out, else after those five seconds if it has then.

    Raises:
        NotFound: it was deleted meanwhile, with its conversation.
    """
    if run.end_seq is not None:
        return StopReceipt.of(run)
    if not await _has_ended(run, session, channels, record):
        end = await channels.hub.wait_for_end(run.id, timeout_seconds=PATIENCE_SECONDS)
        if end is None:
            await _has_ended(run, session, channels, record)
    left = await session.get(Run, run.id, populate_existing=True)
    if left is None:
        await channels.forget([run.id])  # Its readers were told the end over the hot copy.
        raise NotFound
    return StopReceipt.of(left)


async def _has_ended(run: Run, session: AsyncSession, channels: RunChannels, record: AsyncRecorder) -> bool:
    """Ask for the stop, durably; whether that was the run's end."""
    runs = AsyncRunService(session, record)
    ended = await runs.request_stop(run)
    if ended is None:
        await channels.commit(session, stopping=[run.id])
        return False
    await channels.commit(session, ended=[ended], wake_up=await runs.next_wake_up(run.subject_id))
    return True
