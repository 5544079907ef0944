"""What a request may ask for: the resources, and a session that commits before the first byte is sent.

All of these are coroutines, though most wait for nothing: FastAPI calls a plain function in a thread.
"""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.infra.resources import Resources
from riverrun.infra.settings import Settings


async def get_resources(request: Request) -> Resources:
    """The process's resources, from the lifespan's state."""
    return _resources_of(request)


async def get_settings(request: Request) -> Settings:
    """The operator's settings."""
    return _resources_of(request).settings


async def get_async_db(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction a request: committed when the route returns, rolled back when it raises.

    What was registered by ``after_commit`` is called then, and only then.
    """
    session = AsyncSession(_resources_of(request).engine, expire_on_commit=False)
    try:
        yield session
        await commit_now(session)
    finally:
        if session.in_transaction():
            async with session:
                pass  # closed to its end, whatever is cancelled


def _resources_of(request: Request) -> Resources:
    resources: Resources = request.state.resources
    return resources


async def commit_now(session: AsyncSession) -> None:
    """Commit before the route is over: for routes that wait afterwards, and must hold no connection meanwhile."""
    if session.in_transaction():  # a commit of nothing has its price, too
        await session.commit()
    for callback in session.info.pop("after_commit", ()):
        callback()


def after_commit(session: AsyncSession, callback: Callable[[], None]) -> None:
    """Call ``callback``, which must not block, once the request's transaction is committed."""
    session.info.setdefault("after_commit", []).append(callback)


CurrentResources = Annotated[Resources, Depends(get_resources)]
CurrentSettings = Annotated[Settings, Depends(get_settings)]
AsyncDb = Annotated[AsyncSession, Depends(get_async_db, scope="function")]
"""Function scope: the session is gone before the response starts, so that no stream ever pins a connection."""
