"""Stopping a run with a receipt: the intent is durable first, then everybody is told, then the end is awaited."""

import contextlib

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.dependencies import commit_now
from riverrun.runs.models import Run
from riverrun.runs.run_service import AsyncRunService
from riverrun.runs.schemas import StopReceipt
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager

PATIENCE_SECONDS = 5.0


async def stop_run(
    run: Run, session: AsyncSession, hub: StreamHub, streams: AsyncRedisStreamManager
) -> StopReceipt:
    """Stop ``run`` and say what is left of it. Twice is once; after the end it changes nothing.

    No database connection is held while the worker finishes; it gets five seconds before the receipt says so.
    """
    log = await AsyncRunService(session).request_stop(run)
    await commit_now(session)
    if log:
        with contextlib.suppress(RedisError, OSError):  # readers find the end in the record
            await streams.publish_events(run.id, log)
    else:
        await hub.wait_for_end(run.id, timeout_seconds=PATIENCE_SECONDS)
    await session.refresh(run)
    return StopReceipt.of(run)
