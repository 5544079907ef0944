"""Stop an answer in every situation, and count what the model sent after the stop was durable.

``python -m tests.proofs.stops`` plays all cases ``--rounds`` times. Last line: ``stops: cases=8 rounds=R worst_chunks=N
p99_ms=N``. ``worst_chunks`` is the most that the model sent after a stop, ``p99_ms`` the time from the intent in Postgres to
the last such chunk, or to the closed connection of a silent model.
"""

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
from tests.proofs.playing_model import Piece, Play
from tests.proofs.proof_site import ProofSite
from tests.proofs.second_api import second_api
from tests.support.process_tree import frozen
from tests.support.reading import assert_whole, read_all, read_until, text_of
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient

BRISK_SECONDS = 0.05
"""Between two chunks: twenty a second."""
SILENCE_SECONDS = 10.0
TOOL_CALL = [Piece(" Let me look."), Piece(call=("search_code", {"query": "answer"}))]


@dataclass(frozen=True, slots=True)
class StopResult:
    """What came after the stop of one run: how many chunks, and for how long the model was still connected to."""

    case: str
    chunks: int
    last_ms: float


class Stops:
    """The cases. Each asks, stops, checks the receipt against the log, and says what the model did meanwhile."""

    def __init__(self, site: ProofSite, elsewhere: RiverrunClient, pause_seconds: float) -> None:
        self._site = site
        self._elsewhere = elsewhere
        self._database_url = site.stack.settings.require_database_url()
        self._asked = 0
        self._talk = [Piece(f" word {number}", pause_seconds) for number in range(200)]
        self._pausing = [*self._talk[:4], Piece(" late", SILENCE_SECONDS)]

    @property
    def cases(self) -> list[Callable[[], StopResult]]:
        return [
            self.before_pick_up,
            self.in_the_first_token,
            self.in_a_silent_model,
            self.in_a_silent_tool_call,
            self.on_the_other_api,
            self.with_pub_sub_dropped,
            self.twice,
            self.after_the_end,
        ]

    def before_pick_up(self) -> StopResult:
        """The worker does not move; the run ends all the same, and the model is never asked."""
        with frozen(self._site.stack.pids["worker-chats"]):
            run_id, play = self._ask(self._talk)
            receipt = self._site.client.stop(run_id)
        self._check(run_id, receipt)
        assert play.asked_at == []
        return self._result("before pick-up", run_id, play)

    def in_the_first_token(self) -> StopResult:
        run_id, play = self._ask(self._talk)
        read_until(self._site.client, run_id, "text")
        self._check(run_id, self._site.client.stop(run_id))
        return self._result("in the first token", run_id, play)

    def in_a_silent_model(self) -> StopResult:
        run_id, play = self._ask(self._pausing)
        wait_until(lambda: len(play.sent_at) == len(self._pausing) - 1)
        self._check(run_id, self._site.client.stop(run_id))
        return self._result("in a silent model", run_id, play)

    def in_a_silent_tool_call(self) -> StopResult:
        """The tool waits for a lock on the index, which it would get after the receipt."""
        run_id, play = self._ask(TOOL_CALL, self._talk)
        with self._locked_index():
            read_until(self._site.client, run_id, "tool_call")
            wait_until(self._is_a_tool_waiting, what="a tool that waits for the lock")
            receipt = self._site.client.stop(run_id)
            assert receipt["status"] == "cancelled", receipt
        self._check(run_id, receipt)
        assert len(play.asked_at) == 1
        return self._result("in a silent tool call", run_id, play)

    def on_the_other_api(self) -> StopResult:
        run_id, play = self._ask(self._talk)
        read_until(self._site.client, run_id, "text")
        self._check(run_id, self._elsewhere.stop(run_id))
        return self._result("on the other API", run_id, play)

    def with_pub_sub_dropped(self) -> StopResult:
        run_id, play = self._ask(self._talk)
        read_until(self._site.client, run_id, "text")
        with self._no_pub_sub():
            self._check(run_id, self._site.client.stop(run_id))
        return self._result("with pub/sub dropped", run_id, play)

    def twice(self) -> StopResult:
        """At the same time, over two processes."""
        run_id, play = self._ask(self._talk)
        read_until(self._site.client, run_id, "text")
        with ThreadPoolExecutor(2) as pool:
            receipts = list(
                pool.map(lambda client: client.stop(run_id), (self._site.client, self._elsewhere))
            )
        assert receipts[0] == receipts[1]
        self._check(run_id, receipts[0])
        assert self._site.client.stop(run_id) == receipts[0]
        return self._result("twice", run_id, play)

    def after_the_end(self) -> StopResult:
        """It changes nothing."""
        run_id, play = self._ask(self._talk[:5])
        events = read_all(self._site.client, run_id)
        receipt = self._site.client.stop(run_id)
        assert (receipt["status"], receipt["chars"]) == ("completed", len(text_of(events)))
        assert read_all(self._site.client, run_id) == events
        return StopResult("after the end", len(play.sent_at) - 5, 0.0)

    def _ask(self, *answers: list[Piece]) -> tuple[str, Play]:
        self._asked += 1
        return self._site.ask(f"stop-{self._asked}", *answers)

    def _check(self, run_id: str, receipt: dict[str, Any]) -> None:
        """The receipt says what is stored, the log ends there, and what was read is what was kept."""
        events = read_all(self._site.client, run_id)
        assert_whole(events)
        end = events[-1].data
        assert receipt["status"] == end["status"] == "cancelled", (receipt, end)
        assert receipt["chars"] == end["chars"] == len(text_of(events)), (receipt, end)
        assert receipt["stopped_at"] == self._site.client.run(run_id)["ended_at"]

    def _result(self, case: str, run_id: str, play: Play) -> StopResult:
        wait_until(lambda: play.is_quiet, what="the model to be left")
        intended = self._intended_at(run_id)
        late = [moment for moment in play.sent_at if moment > intended]
        last = max([*late, *(play.left_at if not late else [])], default=intended)
        return StopResult(case, len(late), max(0.0, last - intended) * 1_000)

    def _intended_at(self, run_id: str) -> float:
        with psycopg.connect(self._database_url) as connection:
            row = connection.execute(
                "SELECT extract(epoch FROM coalesce(stop_requested_at, ended_at)) FROM runs WHERE id = %s",
                [run_id],
            ).fetchone()
        assert row is not None
        return float(row[0])

    def _is_a_tool_waiting(self) -> bool:
        with psycopg.connect(self._database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
        return row is not None and row[0] > 0

    @contextmanager
    def _locked_index(self) -> Iterator[None]:
        with psycopg.connect(self._database_url) as connection:
            connection.execute("LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    @contextmanager
    def _no_pub_sub(self) -> Iterator[None]:
        """Whoever subscribes loses the line at once, again and again."""
        over = threading.Event()

        def cut() -> None:
            with redis.Redis.from_url(self._site.stack.settings.require_redis_url()) as valkey:
                while not over.wait(0.02):
                    valkey.client_kill_filter(_type="pubsub")

        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            yield
        finally:
            over.set()
            cutter.join()


def prove_stops(folder: Path, *, rounds: int, pause_seconds: float) -> list[StopResult]:
    """All cases, in rounds, over two API processes; the model pauses so long before each chunk."""
    with ProofSite(folder) as site, second_api(site.stack, folder) as elsewhere:
        stops = Stops(site, elsewhere.client, pause_seconds)
        return [case() for _ in range(rounds) for case in stops.cases]


def summary(results: list[StopResult], rounds: int) -> str:
    """The last line."""
    times = sorted(result.last_ms for result in results)
    p99 = times[min(len(times) - 1, round(0.99 * len(times)))]
    worst = max(result.chunks for result in results)
    cases = len({result.case for result in results})
    return f"stops: cases={cases} rounds={rounds} worst_chunks={worst} p99_ms={p99:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pause-seconds", type=float, default=BRISK_SECONDS)
    given = parser.parse_args()
    rounds: int = given.rounds
    with tempfile.TemporaryDirectory() as folder:
        results = prove_stops(Path(folder), rounds=rounds, pause_seconds=given.pause_seconds)
    for case in dict.fromkeys(result.case for result in results):
        own = [result for result in results if result.case == case]
        longest = max(result.last_ms for result in own)
        print(f"{case}: worst_chunks={max(result.chunks for result in own)} longest_ms={longest:.0f}")
    print(summary(results, rounds))
    return 0 if all(result.chunks <= 1 for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
