"""What an indexing leaves in its project when the API has to end its run, because no worker holds it."""

from sqlalchemy.ext.asyncio import AsyncSession

from riverrun.parsing import statements
from riverrun.parsing.errors import STOPPED
from riverrun.runs.models import Run
from riverrun.streaming.snapshot import Snapshot


async def note_orphaned_stop(session: AsyncSession, run: Run, _snapshot: Snapshot) -> None:
    """Let the project say that its indexing was stopped, as a worker would have."""
    await session.execute(statements.note_failure(run.subject_id, STOPPED))
