"""Scenes that lead into one rare path each. Every schedule begins with one of them, in turn, and random steps follow on it."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import psycopg
from tests.chaos.chaos_site import APIS, WORKERS, ChaosSite
from tests.chaos.rare_path_counts import LogReader
from tests.chaos.story import Story
from tests.chaos.wire_reader import WireReader
from tests.support.waiting import wait_until

DEATH_SECONDS = 20.0
LONG_ANSWER_SECONDS = 40.0
MID_ANSWER_TEXTS = 4
MOST_DEATHS = 3
ACTIVE = ("queued", "running")


class Holder(NamedTuple):
    """Who has a run: a worker's main process and its child."""

    attempt: int
    main_pid: int
    child_pid: int


def lose_a_frame(site: ChaosSite, story: Story) -> None:
    """gap: one pushed frame never arrives."""
    reader = in_mid_answer(story)
    proxy = site.proxies[reader.api]
    lost = proxy.lost
    proxy.lose_frame("text")
    wait_until(lambda: proxy.lost > lost or reader.is_over, what="the lost frame")
    wait_for_more(reader)


def lose_the_end(site: ChaosSite, story: Story) -> None:
    """watchdog: the last frame never arrives."""
    reader = in_mid_answer(story)
    site.proxies[reader.api].lose_frame("end")
    with suppress(TimeoutError):
        wait_until(lambda: reader.is_over, what="the end that the watchdog finds")


def read_too_slowly(site: ChaosSite, story: Story) -> None:
    """overflow: a reader does not read while hundreds of events come.

    The kernel takes some 150 of them, the server's own buffer as many, a page of the log 256, and only then the reader's
    buffer begins to fill.
    """
    question = story.ask(story.conversations[0], APIS[0], pieces=900, pause_ms=0, chars=100)
    assert question.run_id
    run_id = question.run_id
    reader = story.attach(run_id, APIS[0], has_tiny_buffer=True)
    wait_until(lambda: reader.fold.count("text") >= MID_ANSWER_TEXTS, what="the first words")
    logs = LogReader(site.folder)
    reader.pause()
    wait_until(
        lambda: b"rare path overflow" in logs.new_text() or status_of(site, run_id) not in ACTIVE,
        LONG_ANSWER_SECONDS,
        what="an overflow",
    )
    reader.go_on()


def empty_redis(site: ChaosSite, story: Story) -> None:
    """hole: the streams are gone in mid-answer."""
    reader = in_mid_answer(story)
    with site.redis() as client:
        client.flushdb()
    wait_for_more(reader)
    wait_for_more(reader)


def wake_up_a_zombie(site: ChaosSite, story: Story) -> None:
    """fence: a frozen worker's run is taken over, and then it wakes up."""
    reader = in_mid_answer(story, pieces=60)
    holder = holder_of(site, reader.run_id)
    frozen = next((name for name in WORKERS if site.pids[name] == holder.main_pid), WORKERS[0])
    site.freeze(frozen)
    wait_until(lambda: attempt_of(site, reader.run_id) > holder.attempt, DEATH_SECONDS, what="a take-over")
    wait_until(
        lambda: reader.is_over or reader.fold.count("text") >= MID_ANSWER_TEXTS, what="the second attempt"
    )
    site.thaw(frozen)


def kill_the_hand(site: ChaosSite, story: Story) -> None:
    """redelivery: Celery gives the task of a dead process to another one, while the lease still holds."""
    reader = in_mid_answer(story)
    attempt = kill_holder(site, reader.run_id)
    wait_until(lambda: attempt_of(site, reader.run_id) > attempt, DEATH_SECONDS, what="a take-over")


def come_back_too_late(site: ChaosSite, story: Story) -> None:
    """reset: a reader comes back with a position in an attempt that was dropped."""
    reader = in_mid_answer(story)
    reader.go_away()
    attempt = kill_holder(site, reader.run_id)
    wait_until(lambda: attempt_of(site, reader.run_id) > attempt, DEATH_SECONDS, what="a take-over")
    reader.come_back()


def kill_every_hand(site: ChaosSite, story: Story) -> None:
    """poison: every worker that takes the run dies."""
    reader = in_mid_answer(story, pieces=100)
    for _ in range(MOST_DEATHS):
        attempt = kill_holder(site, reader.run_id)
        wait_until(
            lambda last=attempt: attempt_of(site, reader.run_id) > last, DEATH_SECONDS, what="a take-over"
        )


ACTS: dict[str, Callable[[ChaosSite, Story], None]] = {
    "gap": lose_a_frame,
    "watchdog": lose_the_end,
    "overflow": read_too_slowly,
    "hole": empty_redis,
    "fence": wake_up_a_zombie,
    "redelivery": kill_the_hand,
    "reset": come_back_too_late,
    "poison": kill_every_hand,
}
"""By the rare path that each leads into."""


def in_mid_answer(story: Story, *, pieces: int = 40) -> WireReader:
    """A reader that has some words, and more to come."""
    question = story.ask(story.conversations[0], APIS[0], pieces=pieces, pause_ms=50)
    assert question.run_id, "a healthy site accepts a question"
    reader = story.attach(question.run_id, APIS[0])
    wait_until(
        lambda: reader.is_over or reader.fold.count("text") >= MID_ANSWER_TEXTS, what="the first words"
    )
    return reader


def wait_for_more(reader: WireReader) -> None:
    """Wait until the reader has got something more."""
    position = reader.fold.position
    wait_until(lambda: reader.fold.position != position or reader.is_over, what="more of an answer")


def kill_holder(site: ChaosSite, run_id: str) -> int:
    """``kill -9`` the pool process that works on the run; the attempt that died with it."""
    holder = wait_until(lambda: holder_of(site, run_id), what="a holder")
    with suppress(ProcessLookupError):
        os.kill(holder.child_pid, signal.SIGKILL)
    return int(holder.attempt)


def holder_of(site: ChaosSite, run_id: str) -> Holder:
    with site.sql() as connection:
        row = connection.execute("SELECT attempt, lease_owner FROM runs WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    attempt, owner = row
    _, main_pid, child_pid, _ = str(owner or "nobody:0:0:0").split(":")
    return Holder(int(str(attempt)), int(main_pid), int(child_pid))


def attempt_of(site: ChaosSite, run_id: str) -> int:
    """How often the run was taken; a run that is over counts as taken once more."""
    with suppress(psycopg.OperationalError), site.sql() as connection:
        row = connection.execute("SELECT attempt, ended_at FROM runs WHERE id = %s", (run_id,)).fetchone()
        assert row is not None
        return int(str(row[0])) + (row[1] is not None)
    return 0


def status_of(site: ChaosSite, run_id: str) -> str:
    with site.sql() as connection:
        row = connection.execute("SELECT status FROM runs WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    return str(row[0])
