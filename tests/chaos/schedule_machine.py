"""A schedule as a Hypothesis state machine: what clients do and what breaks, in random order, with random times between.

Hypothesis draws the schedules and nothing else. No rule's choice hangs on what the processes did before, so a seed and a
number give the same steps again, though not the same milliseconds. Nothing is shrunk: a step is worth a second, and what
shows once in ten plays would be shrunk into what never shows. So a schedule never raises; its objections are reported.
"""

from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Any, Protocol

import httpx2
import psycopg
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import APIS, WORKERS, ChaosSite
from tests.chaos.directed_acts import ACTS
from tests.chaos.invariants import check_at_every_step, check_at_rest
from tests.chaos.rest import come_to_rest
from tests.chaos.story import MOST_READERS, Story
from tests.chaos.wire_reader import WireReader

CONVERSATIONS = 2
SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS = 20, 350
MOST_CUT_BYTES = 4_000
MOST_PAUSE_MS = 1_500
ANY = st.integers(min_value=0, max_value=99)
API = st.sampled_from(APIS)
WORKER = st.sampled_from(WORKERS)
PROCESS = st.sampled_from(APIS + WORKERS)
IF_BUSY = st.sampled_from(("reject", "enqueue", "interrupt", "rollback"))
EXPECTED = (psycopg.OperationalError, redis.RedisError, httpx2.TransportError)
"""What a step of ours may meet while a server is away: it is then no step."""


class Stage(Protocol):
    """Who has the schedules played."""

    def site_for(self, number: int) -> ChaosSite | None:
        """Where the schedule is played; none when it is only drawn."""
        ...

    def report(self, number: int, act: str, story: Story) -> None:
        """The schedule is over."""
        ...


class Schedule(RuleBasedStateMachine):
    """One schedule. ``stage`` and ``number`` are set by ``schedules_of``."""

    stage: Stage
    number = 0

    def __init__(self) -> None:
        super().__init__()
        self.act = ""
        self.site = self.stage.site_for(self.number)
        self.story = Story(self.site) if self.site else None

    def play(self, words: str, action: Callable[[ChaosSite, Story], object]) -> None:
        """Take one step, unless the schedule is only drawn, or has an objection already."""
        if self.site is None or self.story is None or self.story.all_objections():
            return
        self.story.steps.append(words)
        try:
            action(self.site, self.story)
            check_at_every_step(self.site, self.story)
        except Objection:
            return
        except EXPECTED as away:
            self.story.steps.append(f"  {type(away).__name__}")
        except (TimeoutError, AssertionError) as stuck:
            self.story.objections.append(Objection("stuck", f"{words}: {stuck}"))

    @initialize()
    def begin(self) -> None:
        """Conversations, and the scene whose turn it is."""
        self.act = tuple(ACTS)[self.number % len(ACTS)]

        def begin(site: ChaosSite, story: Story) -> None:
            for _ in range(CONVERSATIONS):
                story.begin_conversation()
            ACTS[self.act](site, story)

        self.play(f"begin with {self.act}", begin)

    def teardown(self) -> None:
        if self.site is None or self.story is None:
            return
        try:
            come_to_rest(self.site, self.story)
            check_at_rest(self.site, self.story)
        except (TimeoutError, *EXPECTED) as stuck:
            self.story.objections.append(Objection("stuck", f"at rest: {stuck!r}"))
        finally:
            self.story.close()
        self.stage.report(self.number, self.act, self.story)


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule whose method says what is done to the site and the story; a drawn pause follows."""

    def decorate(action: Callable[..., None]) -> Any:
        @wraps(action)
        def taken(self: Schedule, pause_ms: int, **values: Any) -> None:
            words = ", ".join(f"{name}={value}" for name, value in values.items())
            self.play(f"{action.__name__}({words})", lambda site, story: action(self, site, story, **values))
            self.play(f"wait {pause_ms} ms", lambda _, story: story.pause(pause_ms))

        del taken.__wrapped__  # type: ignore[attr-defined]  # Hypothesis would look at the action's own arguments
        return rule(pause_ms=st.integers(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS), **drawn)(taken)

    return decorate


def reader_at(story: Story, pick: int) -> WireReader | None:
    return story.readers[pick % len(story.readers)] if story.readers else None


def run_at(story: Story, pick: int) -> str | None:
    return story.run_ids[pick % len(story.run_ids)] if story.run_ids else None


class ClientsAndFaults(Schedule):
    """The rules."""

    @step(pick=ANY, api=API, pieces=st.integers(1, 40), delay=st.integers(0, 60), if_busy=IF_BUSY)
    def post(
        self, site: ChaosSite, story: Story, pick: int, api: str, pieces: int, delay: int, if_busy: str
    ) -> None:
        conversation = story.conversations[pick % len(story.conversations)]
        question = story.ask(conversation, api, pieces=pieces, pause_ms=delay, if_busy=if_busy)
        if question.run_id and len(story.readers) < MOST_READERS:
            story.attach(question.run_id, api)

    @step(pick=ANY, api=API, is_repeated=st.booleans())
    def post_and_hang_up(self, site: ChaosSite, story: Story, pick: int, api: str, is_repeated: bool) -> None:
        conversation = story.conversations[pick % len(story.conversations)]
        story.ask_and_hang_up(conversation, api, is_repeated=is_repeated)

    @step(pick=ANY, api=API, if_busy=IF_BUSY)
    def regenerate(self, site: ChaosSite, story: Story, pick: int, api: str, if_busy: str) -> None:
        story.ask_again(story.conversations[pick % len(story.conversations)], api, if_busy=if_busy)

    @step(pick=ANY, api=API)
    def attach(self, site: ChaosSite, story: Story, pick: int, api: str) -> None:
        run_id = run_at(story, pick)
        if run_id and len(story.readers) < MOST_READERS:
            story.attach(run_id, api)

    @step(pick=ANY, byte_count=st.integers(0, MOST_CUT_BYTES))
    def cut(self, site: ChaosSite, story: Story, pick: int, byte_count: int) -> None:
        """The reader resumes on the other API."""
        if reader := reader_at(story, pick):
            reader.cut_after(byte_count)

    @step(pick=ANY)
    def fall_silent(self, site: ChaosSite, story: Story, pick: int) -> None:
        if reader := reader_at(story, pick):
            reader.pause()

    @step()
    def read_again(self, site: ChaosSite, story: Story) -> None:
        for reader in story.readers:
            reader.go_on()

    @step(pick=ANY, api=API)
    def stop(self, site: ChaosSite, story: Story, pick: int, api: str) -> None:
        if run_id := run_at(story, pick):
            story.stop(run_id, api)

    @step(name=PROCESS)
    def kill(self, site: ChaosSite, story: Story, name: str) -> None:
        site.kill(name)

    @step(name=PROCESS)
    def retire(self, site: ChaosSite, story: Story, name: str) -> None:
        site.retire(name)

    @step(name=PROCESS)
    def freeze(self, site: ChaosSite, story: Story, name: str) -> None:
        site.freeze(name)

    @step()
    def thaw(self, site: ChaosSite, story: Story) -> None:
        for name in tuple(site.frozen):
            site.thaw(name)

    @step(kind=st.sampled_from(("normal", "pubsub")))
    def kill_redis_clients(self, site: ChaosSite, story: Story, kind: str) -> None:
        with site.redis() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    @step(api=API)
    def lose_the_line_to_redis(self, site: ChaosSite, story: Story, api: str) -> None:
        """All connections of one API at once, and none for a moment."""
        site.proxies[api].cut()
        story.pause(SHORTEST_PAUSE_MS)
        site.proxies[api].mend()

    @step(milliseconds=st.integers(100, MOST_PAUSE_MS))
    def pause_redis(self, site: ChaosSite, story: Story, milliseconds: int) -> None:
        with site.redis() as client:
            client.execute_command("CLIENT", "PAUSE", milliseconds)

    @step(everything=st.booleans())
    def flush(self, site: ChaosSite, story: Story, everything: bool) -> None:
        with site.redis() as client:
            client.flushall() if everything else client.flushdb()

    @step(name=st.sampled_from(("valkey", "postgres")))
    def kill_server(self, site: ChaosSite, story: Story, name: str) -> None:
        site.kill_server(name)

    @step()
    def terminate_backends(self, site: ChaosSite, story: Story) -> None:
        with site.sql() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND pid <> pg_backend_pid()"
            )


def schedules_of(stage: Stage, machine: type[Schedule] = ClientsAndFaults) -> Callable[[], Schedule]:
    """Makes the schedules of a stage, numbered as they come."""
    numbers = count()

    def make() -> Schedule:
        numbered: type[Schedule] = type("Numbered", (machine,), {"stage": stage, "number": next(numbers)})
        return numbered()

    return make
