"""Stopping a run with a receipt: the intent is durable first, then everybody is told, then the end is awaited."""

from sqlalchemy.ext.asyncio import AsyncSession

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
    """
    if run.end_seq is not None:
        return StopReceipt.of(run)
    if not await _has_ended(run, session, channels, record):
        end = await channels.hub.wait_for_end(run.id, timeout_seconds=PATIENCE_SECONDS)
        if end is None:
            await _has_ended(run, session, channels, record)
    await session.refresh(run)
    return StopReceipt.of(run)


async def _has_ended(run: Run, session: AsyncSession, channels: RunChannels, record: AsyncRecorder) -> bool:
    """Ask for the stop, durably; whether that was the run's end."""
    runs = AsyncRunService(session, record)
    ended = await runs.request_stop(run)
    if ended is None:
        await channels.commit(session, stopping=[run.id])
        return False
    await channels.commit(session, ended=[ended], wake_up=await runs.next_wake_up(run.subject_id))
    return True
