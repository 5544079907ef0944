"""The rest after a schedule: all faults are undone, every run comes to its end, and every reader with it."""

from collections.abc import Callable
from typing import Any

import psycopg
from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import SLOTS_A_WORKER, WORKERS, ChaosSite
from tests.chaos.story import Story
from tests.support.waiting import wait_until

START_SECONDS = 5.0
END_SECONDS = 60.0
READER_SECONDS = 8.0
"""The watchdog looks every two seconds, at runs that were silent since its last look."""

WAITING = """
SELECT count(*) FROM runs WHERE status = 'queued' AND NOT EXISTS (
    SELECT FROM runs earlier WHERE earlier.subject_id = runs.subject_id AND earlier.number < runs.number
    AND earlier.status IN ('queued', 'running'))
"""
"""Runs whose turn it is, and which no worker has."""
ACTIVE = "SELECT count(*) FROM runs WHERE status IN ('queued', 'running')"
RUNNING = "SELECT count(*) FROM runs WHERE status = 'running'"


def come_to_rest(site: ChaosSite, story: Story) -> None:
    """Heal, let everything end, and object to what does not."""
    site.heal()
    for reader in story.readers:
        reader.go_on()
        reader.come_back()
    story.settle_questions()
    expect(story, "I11", "a run that could start did not", lambda: nothing_waits(site), START_SECONDS)
    expect(story, "I1", "a run has no end", lambda: ask_number(site, ACTIVE) == 0, END_SECONDS)
    expect(story, "I2", "a reader hangs", lambda: all(one.is_over for one in story.readers), READER_SECONDS)
    for reader in story.readers:
        if not reader.is_over:
            words = f"the reader of {reader.run_id} hangs at {reader.fold.position} on {reader.api}"
            story.objections.append(Objection("I2", words))


def expect(
    story: Story, invariant: str, words: str, condition: Callable[[], bool], timeout_seconds: float
) -> None:
    """Wait for a condition; that it does not come true is an objection."""
    try:
        wait_until(lambda: quietly(condition), timeout_seconds, what=words)
    except TimeoutError as late:
        story.objections.append(Objection(invariant, str(late)))


def quietly(condition: Callable[[], bool]) -> bool:
    """A server that is just coming back says no."""
    try:
        return condition()
    except psycopg.Error:
        return False


def nothing_waits(site: ChaosSite) -> bool:
    """Whether every run whose turn it is has a worker, or all workers are busy."""
    return ask_number(site, WAITING) == 0 or ask_number(site, RUNNING) >= len(WORKERS) * SLOTS_A_WORKER


def ask_number(site: ChaosSite, statement: str, *values: Any) -> int:
    """The one number that a statement gives."""
    with site.sql() as connection:
        row = connection.execute(statement, values).fetchone()  # type: ignore[call-overload]
    return int(row[0])
