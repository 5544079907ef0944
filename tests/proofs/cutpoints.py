"""Cut an answer after every event: head and rest together are the bytes of one that was never cut.

``python -m tests.proofs.cutpoints`` cuts everywhere in all conditions; ``--every 10`` cuts after each tenth event in all
but one of them. The last line is ``cutpoints: events=N exact=N``; an event is exact when it was in every condition.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import redis
from tests.proofs.playing_model import Piece
from tests.proofs.proof_site import ProofSite
from tests.proofs.raw_reader import RawEvent, joined, raw_events, read_head, read_rest

EVENTS = 300
"""With ``queued``, ``started`` and ``end``."""
PIECES = [Piece(f" piece {number}", 0.02) for number in range(EVENTS - 3)]
AT_ONCE = 40


@dataclass(frozen=True)
class CutReport:
    """The events of the answer, and after which of them a cut was not exact, with the condition."""

    events: int
    failures: dict[int, list[str]]

    @property
    def exact(self) -> int:
        return self.events - len(self.failures)

    @property
    def line(self) -> str:
        return f"cutpoints: events={self.events} exact={self.exact}"


class Cutter:
    """Cuts one run after its n-th event, n from 1, in one condition after the other."""

    def __init__(self, site: ProofSite, run_id: str) -> None:
        self._site = site
        self._run_id = run_id
        self._heads: dict[int, list[RawEvent]] = {}
        self._failures: dict[int, list[str]] = {}
        self._golden: list[RawEvent] = []

    def report(self) -> CutReport:
        return CutReport(len(self._golden), self._failures)

    async def while_it_runs(self, cuts: Iterable[int]) -> None:
        """Readers of the answer as it is written; each loses its line after its event and is back at once."""
        async with self._client() as client:
            reading = asyncio.create_task(client.get(f"/api/v1/runs/{self._run_id}/events"))
            whole = await asyncio.gather(*[self._cut_and_return(client, cut) for cut in cuts])
            self._golden = raw_events((await reading).content)
        for cut, (head, rest) in zip(cuts, whole, strict=True):
            self._heads[cut] = head
            self._judge(cut, head, rest, "while it runs")

    async def after_it(self, cuts: Iterable[int], condition: str, spelling: str = "Last-Event-ID") -> None:
        """The line is lost after each event in turn, and the reader is back after the run has ended."""
        async with self._client() as client:

            async def check(cut: int) -> None:
                head = self._heads.get(cut, self._golden[:cut])
                rest = await read_rest(client, self._run_id, head[-1].position, spelling=spelling)
                self._judge(cut, head, rest, condition)

            await _at_most(AT_ONCE, check, cuts)

    async def _cut_and_return(
        self, client: httpx2.AsyncClient, cut: int
    ) -> tuple[list[RawEvent], list[RawEvent]]:
        head = await read_head(client, self._run_id, cut)
        return head, await read_rest(client, self._run_id, head[-1].position)

    def _judge(self, cut: int, head: list[RawEvent], rest: list[RawEvent], condition: str) -> None:
        if len(head) != cut or joined(head + rest) != joined(self._golden):
            self._failures.setdefault(cut, []).append(condition)

    def _client(self) -> httpx2.AsyncClient:
        stack = self._site.stack
        return httpx2.AsyncClient(
            base_url=stack.base_url,
            headers={"authorization": f"Bearer {stack.token}"},
            timeout=60,
            limits=httpx2.Limits(max_connections=EVENTS + 8),
        )


async def _at_most(number: int, work: Callable[[int], Awaitable[None]], items: Iterable[int]) -> None:
    places = asyncio.Semaphore(number)

    async def one(item: int) -> None:
        async with places:
            await work(item)

    await asyncio.gather(*[one(item) for item in items])


def prove_cutpoints(folder: Path, *, every: int = 1) -> CutReport:
    """Ask, cut and compare: while it runs, after the end, with Valkey emptied, with everything started again."""
    all_cuts = range(1, EVENTS + 1)
    some_cuts = range(every, EVENTS + 1, every)
    with ProofSite(folder) as site:
        run_id, _ = site.ask("cutpoints", PIECES)
        cutter = Cutter(site, run_id)
        asyncio.run(cutter.while_it_runs(some_cuts))
        asyncio.run(cutter.after_it(all_cuts, "after the end"))
        asyncio.run(cutter.after_it(some_cuts, "after the end, by a query", "cursor"))
        with redis.Redis.from_url(site.stack.settings.require_redis_url()) as valkey:
            valkey.flushall()
        asyncio.run(cutter.after_it(some_cuts, "after FLUSHALL"))
        site.restart()
        asyncio.run(cutter.after_it(some_cuts, "after a restart of everything"))
    return cutter.report()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    with tempfile.TemporaryDirectory() as folder:
        report = prove_cutpoints(Path(folder), every=parser.parse_args().every)
    for cut, conditions in sorted(report.failures.items()):
        print(f"not exact after event {cut}: {', '.join(conditions)}")
    print(report.line)
    return 0 if report.exact == report.events == EVENTS else 1


if __name__ == "__main__":
    sys.exit(main())
