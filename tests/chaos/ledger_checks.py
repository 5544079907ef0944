"""The ledger of questions at rest: every run is settled or given back, once, and the counters are the sums of that."""

from collections.abc import Iterator

from tests.chaos.answer_fold import Objection
from tests.chaos.chaos_site import ChaosSite
from tests.chaos.story import Story

STATES = """
SELECT runs.id, runs.status, usage_entries.state, usage_entries.settled_at IS NULL
FROM runs LEFT JOIN usage_entries ON usage_entries.run_id = runs.id
WHERE runs.subject_id::text = ANY(%s)
"""
SAID = "SELECT DISTINCT run_id FROM run_events WHERE type = 'text' AND run_id = ANY(%s)"
WRONG_COUNTERS = """
WITH counted AS (
    SELECT user_id AS holder_id, period, date_trunc(period, asked_on)::date AS starts_on,
        count(*) FILTER (WHERE state <> 'released') AS questions, sum(tokens) AS tokens
    FROM usage_entries, (VALUES ('day'), ('month')) AS periods (period) GROUP BY 1, 2, 3)
SELECT coalesce(counted.holder_id, usage_counters.holder_id), coalesce(counted.period, usage_counters.period)
FROM counted FULL JOIN (SELECT * FROM usage_counters WHERE holder_kind = 'user') AS usage_counters
    USING (holder_id, period, starts_on)
WHERE (counted.questions, counted.tokens) IS DISTINCT FROM (usage_counters.questions, usage_counters.tokens)
"""
"""The users and periods whose counter is not the sum of its entries."""


def check_ledger(site: ChaosSite, story: Story) -> Iterator[Objection]:
    """No question is open, none counts without a word, no answer is free, and nothing is counted twice."""
    with site.sql() as connection:
        rows = connection.execute(STATES, (story.conversations,)).fetchall()
        said = {row[0] for row in connection.execute(SAID, ([row[0] for row in rows],))}
        wrong = connection.execute(WRONG_COUNTERS).fetchall()
    for run_id, status, state, is_open in rows:
        if state not in ("settled", "released") or is_open:
            yield Objection("I1", f"the question of run {run_id} is {state}, the run {status}")
        elif state == "released" and (status == "completed" or (status == "cancelled" and run_id in said)):
            yield Objection("I1", f"run {run_id} is {status}, and its question was given back")
    for holder_id, period in wrong:
        yield Objection("I1", f"the counter of {holder_id} for the {period} is not the sum of its entries")
