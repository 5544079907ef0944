"""I1 to I12 as far as they can be seen from outside, at rest.

I6: the agent has a tool with an effect, which may happen once a run and call. I9 is a bound on the API's memory after each
schedule. I12 is what each API's own monitor saw since its start or the last schedule: the most CPU of one callback.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx2
import psutil
import psycopg
from psycopg.rows import dict_row
from tests.chaos.answer_fold import AnswerFold, Objection
from tests.chaos.canary_checks import check_canaries
from tests.chaos.chaos_site import APIS, SLOTS_A_WORKER, WORKERS, ChaosSite
from tests.chaos.effect_tool import effects_in
from tests.chaos.ledger_checks import check_ledger
from tests.chaos.rest import ask_number, expect
from tests.chaos.story import Question, Story
from tests.chaos.wire_reader import WireReader
from tests.support.process_tree import descendants
from tests.support.scripted_model import Script

TERMINAL = {"completed", "error", "cancelled"}
OVERLAP_SECONDS = 0.05
"""A claim's time is that of its transaction's start, which may lie a moment before the end that it saw."""
QUIET_SECONDS = 8.0
MOST_DATABASE_CONNECTIONS = 40
MOST_REDIS_CONNECTIONS = 90
MOST_API_BYTES = 200_000_000
MOST_CALLBACK_CPU_MS = 20.0
RE_READ_RUNS = 3

Record = dict[str, Any]

OURS = "SELECT id FROM runs WHERE subject_id::text = ANY(%s)"
AT_EVERY_STEP = {
    "I1": f"""
        SELECT idempotency_key FROM runs WHERE id IN ({OURS}) GROUP BY idempotency_key HAVING count(*) > 1""",
    "I3": f"""
        SELECT run_id FROM run_events WHERE run_id IN ({OURS}) GROUP BY run_id
        HAVING min(seq) <> 1 OR count(*) <> max(seq)""",
    "I4": f"""
        SELECT run_id, max(seq) FROM run_events WHERE run_id IN ({OURS}) GROUP BY run_id
        HAVING min(seq) FILTER (WHERE type = 'end') < max(seq)""",
    "I5": f"""
        SELECT * FROM (
            SELECT run_id, seq, type, attempt, lag(attempt) OVER (PARTITION BY run_id ORDER BY seq) AS former
            FROM run_events WHERE run_id IN ({OURS})) logs
        WHERE attempt < former OR (attempt > former AND type <> 'attempt')""",
    "I7": f"""
        SELECT subject_id FROM runs WHERE id IN ({OURS}) AND status = 'running'
        GROUP BY subject_id HAVING count(*) > 1""",
}
"""Each gives a row for each breach."""


def check_at_every_step(site: ChaosSite, story: Story) -> None:
    """What must hold in the middle of all faults, as the readers see it, and as the record has it if it can be asked."""
    with suppress(psycopg.OperationalError), site.sql() as connection:
        for invariant, statement in AT_EVERY_STEP.items():
            rows = connection.execute(statement, (story.conversations,)).fetchall()
            story.objections += [Objection(invariant, f"in the record, in mid-run: {row}") for row in rows]
    for found in story.all_objections():
        raise found


def check_at_rest(site: ChaosSite, story: Story) -> None:
    """Everything, once all runs have ended. Objections go to the story."""
    story.post_under_known_keys()
    for question in story.questions:
        story.objections += (
            check_run(site, story, question) if question.run_id else check_refusal(site, question)
        )
    story.objections += check_lines(site, story)
    story.objections += check_strangers(site, story)
    story.objections += check_canaries(site, story)
    story.objections += check_effects(site, story)
    story.objections += check_ledger(site, story)
    re_read(site, story)
    story.close()
    check_leaks(site, story)
    story.objections += [*check_memory(site), *check_callbacks(site)]


def check_run(site: ChaosSite, story: Story, question: Question) -> list[Objection]:
    """One accepted question: its row, its log, its message, and what its readers have in hand."""
    run_id = question.run_id
    with site.sql() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(
            "SELECT * FROM runs WHERE id = %s OR idempotency_key = %s", (run_id, question.key)
        ).fetchall()
        log = cursor.execute(
            "SELECT attempt, seq, type, data FROM run_events WHERE run_id = %s ORDER BY seq", (run_id,)
        ).fetchall()
        messages = cursor.execute("SELECT * FROM messages WHERE run_id = %s", (run_id,)).fetchall()
    if len(rows) != 1 or rows[0]["status"] not in TERMINAL:
        return [
            Objection("I1", f"run {run_id} has these rows: {[(one['id'], one['status']) for one in rows]}")
        ]
    try:
        fold = fold_of(log)
        return [
            *judge_log(rows[0], log, fold),
            *judge_text(rows[0], fold, messages),
            *(
                found
                for reader in story.readers
                if reader.run_id == run_id
                for found in judge_reader(reader, log, fold)
            ),
        ]
    except Objection as found:
        return [Objection(found.invariant, f"in the record of run {run_id}: {found}")]


def check_refusal(site: ChaosSite, question: Question) -> list[Objection]:
    """What was refused is wholly not there."""
    found = ask_number(site, "SELECT count(*) FROM runs WHERE idempotency_key = %s", question.key)
    return [Objection("I1", f"a refused question has {found} runs")] if found else []


def fold_of(log: list[Record]) -> AnswerFold:
    """The record as a reader takes it."""
    fold = AnswerFold()
    for event in log:
        fold.take(f"{event['attempt']}-{event['seq']}", event["type"], event["data"].encode())
    return fold


def judge_log(run: Record, log: list[Record], fold: AnswerFold) -> Iterator[Objection]:
    """I3, I4, I5, I6 of the stored log."""
    if fold.end is None or [event["type"] for event in log].count("end") != 1:
        yield Objection("I4", f"run {run['id']} is {run['status']} without exactly one end")
        return
    if fold.end["status"] != run["status"] or run["end_seq"] != log[-1]["seq"]:
        yield Objection("I4", f"run {run['id']} is {run['status']} {run['end_seq']}, its end says {fold.end}")
    if any(later["attempt"] < earlier["attempt"] for earlier, later in pairwise(log)):
        yield Objection("I5", f"run {run['id']} goes back to an earlier attempt")
    calls = Counter(json.loads(event["data"])["call_id"] for event in log if event["type"] == "tool_call")
    if any(times > 1 for times in calls.values()):
        yield Objection("I6", f"run {run['id']} has a tool call twice: {calls}")


def judge_text(run: Record, fold: AnswerFold, messages: list[Record]) -> Iterator[Objection]:
    """I2 and I10: the message is what was said, and what was said is one answer to this question."""
    script = Script.parse(run["payload"]["question"])
    if not script.explains(fold.text, whole=run["status"] == "completed"):
        yield Objection(
            "I10", f"run {run['id']} of {script.token} is {run['status']} with {fold.text[:200]!r}"
        )
    answers = [one for one in messages if one["type"] == "AI_GENERATED"]
    if len(answers) > 1:
        yield Objection("I1", f"run {run['id']} has {len(answers)} answers")
    if answers and answers[0]["content"] != fold.text:
        yield Objection("I2", f"run {run['id']}: the message differs from what was said")
    if fold.text and not answers and not run["is_rolled_back"]:
        yield Objection("I2", f"run {run['id']} said something, and has no message")
    questions = [one for one in messages if one["type"] == "HUMAN"]
    if run["kind"] == "answer" and not run["is_rolled_back"] and len(questions) != 1:
        yield Objection("I1", f"run {run['id']} has {len(questions)} questions")


def judge_reader(reader: WireReader, log: list[Record], fold: AnswerFold) -> Iterator[Objection]:
    """I2: a reader that stayed has the stored bytes."""
    if reader.fold.end is None:
        return
    if reader.fold.text != fold.text:
        yield Objection("I2", f"a reader of {reader.run_id} has another text than the record")
    stored = [(one["attempt"], one["seq"], one["type"], one["data"].encode()) for one in log]
    held = [(one.attempt, one.seq, one.type, one.data) for one in reader.fold.events]
    if held != stored[len(stored) - len(held) :] or (not reader.resets and held != stored):
        yield Objection("I2", f"a reader of {reader.run_id} has other events than the record")


def check_lines(site: ChaosSite, story: Story) -> list[Objection]:
    """I7: of two runs of a conversation one begins after the other's end."""
    statement = """
    SELECT a.id, b.id FROM runs a JOIN runs b ON a.subject_id = b.subject_id AND a.number < b.number
    WHERE a.subject_id::text = ANY(%s)
    AND b.started_at < a.ended_at - make_interval(secs => %s) AND a.started_at < b.ended_at
    """
    with site.sql() as connection:
        pairs = connection.execute(statement, (story.conversations, OVERLAP_SECONDS)).fetchall()
    return [Objection("I7", f"runs {a} and {b} overlap") for a, b in pairs]


def check_strangers(site: ChaosSite, story: Story) -> Iterator[Objection]:
    """I10: another account is told that there is no such run."""
    for run_id in story.run_ids[:RE_READ_RUNS]:
        for path in (f"runs/{run_id}", f"runs/{run_id}/events"):
            answer = story.call("GET", path, APIS[0], token=site.stranger_token)
            if answer is not None and answer.status_code != 404:
                yield Objection("I10", f"a stranger gets {answer.status_code} for {path}")


def re_read(site: ChaosSite, story: Story) -> None:
    """At any later time: the same bytes, on every API."""
    readers = [story.attach(run_id, api) for run_id in story.run_ids[-RE_READ_RUNS:] for api in APIS]
    expect(
        story, "I2", "a late reader gets no end", lambda: all(one.is_over for one in readers), QUIET_SECONDS
    )
    for question in story.questions:
        if any(reader.run_id == question.run_id for reader in readers):
            story.objections += check_run(site, story, question)


def check_leaks(site: ChaosSite, story: Story) -> None:
    """I8, a few seconds after the last reader left."""
    for name, is_clean in NOTHING_LEFT.items():
        expect(story, "I8", f"{name} are left", lambda clean=is_clean: clean(site), QUIET_SECONDS)


def check_memory(site: ChaosSite) -> Iterator[Objection]:
    """I9, of each API."""
    for api in APIS:
        used = psutil.Process(site.pids[api]).memory_info().rss
        if used > MOST_API_BYTES:
            yield Objection("I9", f"{api} uses {used:,} bytes")


def check_callbacks(site: ChaosSite) -> Iterator[Objection]:
    """I12, of each API; the next schedule begins anew."""
    for api in APIS:
        url = f"http://127.0.0.1:{site.ports[api]}/-/loop"
        headers = {"Authorization": f"Bearer {site.token}"}
        report = httpx2.get(url, headers=headers, timeout=QUIET_SECONDS).raise_for_status().json()
        if report["callback_cpu_ms"] > MOST_CALLBACK_CPU_MS:
            words = f"a callback of {api} used {report['callback_cpu_ms']} ms: {report['callback']}"
            yield Objection("I12", words)
        httpx2.delete(url, headers=headers, timeout=QUIET_SECONDS).raise_for_status()


def check_effects(site: ChaosSite, story: Story) -> Iterator[Objection]:
    """I6: no call of a run took effect twice, and none that is not in the ledger."""
    with site.sql() as connection:
        noted = {
            str(run_id)
            for (run_id,) in connection.execute(
                "SELECT run_id FROM tool_effects WHERE run_id::text = ANY(%s)", (story.run_ids,)
            )
        }
    for (run_id, line), times in effects_in(site.world).items():
        if run_id in story.run_ids and times > 1:
            yield Objection("I6", f"run {run_id} wrote {line} {times} times")
        if run_id in story.run_ids and run_id not in noted:
            yield Objection("I6", f"run {run_id} wrote {line}, which is not in the ledger")


NOTHING_LEFT: dict[str, Callable[[ChaosSite], bool]] = {
    "answers of the model": lambda site: site.model.answering == 0,
    "wake-ups": lambda site: ask_number(site, "SELECT count(*) FROM outbox") == 0,
    "leases": lambda site: ask_number(site, "SELECT count(*) FROM runs WHERE lease_owner IS NOT NULL") == 0,
    "open transactions": lambda site: ask_number(site, OPEN_TRANSACTIONS) == 0,
    "database connections": lambda site: ask_number(site, CONNECTIONS) <= MOST_DATABASE_CONNECTIONS,
    "channels": lambda site: count_channels(site) == 0,
    "Redis connections": lambda site: count_redis_clients(site) <= MOST_REDIS_CONNECTIONS,
    "clients' connections": lambda site: all(count_clients(site, api) == 0 for api in APIS),
    "processes": lambda site: all(count_children(site, one) == SLOTS_A_WORKER for one in WORKERS),
}
"""Each says whether nothing of its kind is left (I8)."""

OPEN_TRANSACTIONS = "SELECT count(*) FROM pg_stat_activity WHERE state IN ('idle in transaction', 'idle in transaction (aborted)')"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def count_channels(site: ChaosSite) -> int:
    with site.redis() as client:
        return len(client.pubsub_channels("run:*"))


def count_redis_clients(site: ChaosSite) -> int:
    with site.redis() as client:
        return len(client.client_list())


def count_clients(site: ChaosSite, api: str) -> int:
    connections = psutil.Process(site.pids[api]).net_connections("tcp")
    return sum(one.laddr.port == site.ports[api] and one.status != "LISTEN" for one in connections)


def count_children(site: ChaosSite, name: str) -> int:
    return len(descendants(site.pids[name]))
