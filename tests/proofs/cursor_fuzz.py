"""Random cursors, headers, run ids and tokens: each gets one of the documented answers, and no request breaks the server.

``python -m tests.proofs.cursor_fuzz`` sends 100,000. Last line: ``cursors: requests=N server_errors=0``. The answers to a
finished run are checked against a model of the contract: the exact rest, a reset, nothing, or 400.
"""

import argparse
import asyncio
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Engine
from tests.proofs.asgi_caller import AsgiAnswer, AsgiCaller, Header, calling
from tests.proofs.own_servers import own_servers
from tests.proofs.raw_reader import RawEvent, joined, raw_events
from tests.support.run_reading import keep, says
from tests.support.stories import make_run, make_user

from riverrun.auth.sign_in import issue_bearer_token
from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.main import create_app
from riverrun.runs.performance import perform_run

PIECES = [f" piece {number}" for number in range(40)]
AT_ONCE = 8
LARGEST = 2**53 - 1
DOCUMENTED = {200, 204, 400, 401, 404, 422}
SCRAPS = [
    "-", "--", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "１", "٣", "²", "💧", "%00", "\x00", "\r\n", "1-", "-1", "1-2-3", "1,2",
    "x", "null", "NaN", "true", "[]", "{}", "'", '"', "1;--", "../..", "\ud800", "\u202e1", "1\n2", "*", "$", ">", "(1-1",
]  # fmt: skip


@dataclass(frozen=True)
class FuzzSite:
    """A finished run of ours with its events, one that waits, a stranger's, and tokens of both."""

    finished: UUID
    golden: list[RawEvent]
    waiting: UUID
    foreign: UUID
    token: str
    strangers_token: str


@dataclass
class FuzzReport:
    """How often each status came, and each request whose answer was wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def line(self) -> str:
        return f"cursors: requests={self.statuses.total()} server_errors={self.server_errors}"


class Fuzzer:
    """Makes requests out of a seed and judges the answers."""

    def __init__(self, caller: AsgiCaller, site: FuzzSite, seed: int) -> None:
        self.report = FuzzReport()
        self._caller = caller
        self._site = site
        self._dice = random.Random(seed)

    async def send(self, count: int) -> None:
        """So many requests, a few at once."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self._dice.choices((self._ask_one, self._ask_many), (4, 1))[0]()

        await asyncio.gather(*[work() for _ in range(AT_ONCE)])

    async def _ask_one(self) -> None:
        run, cursor, auth = self._run(), self._cursor(), self._auth()
        by_header = self._dice.random() < 0.5
        headers = [*auth, (b"last-event-id", _bytes(cursor))] if by_header else auth
        query = b"" if by_header else f"{self._dice.choice(('cursor', 'after'))}={_quoted(cursor)}".encode()
        early = run != str(self._site.finished)
        path = f"/api/v1/runs/{_quoted(run)}/events"
        answer = await self._caller.get(path, query, headers, leaves_early=early)
        fault = self._fault(answer)
        if fault is None and run == str(self._site.finished) and auth == self._ours():
            fault = self._contract_fault(_seen(cursor) if by_header else cursor, answer)
        self._note(answer, fault, f"{path}?{query!r} {headers}")

    async def _ask_many(self) -> None:
        runs = [
            f"{self._run()}{self._dice.choice(('', '@'))}{self._cursor()}"
            for _ in range(self._dice.randint(0, 70))
        ]
        query = "&".join(f"run={_quoted(run)}" for run in runs[: self._dice.choice((1, 2, 3, 70))]).encode()
        vector = ",".join(self._cursor() for _ in range(self._dice.randint(1, 4)))
        headers = [*self._auth(), *self._dice.choice(([], [(b"last-event-id", _bytes(vector))]))]
        answer = await self._caller.get("/api/v1/runs/events", query, headers, leaves_early=True)
        self._note(answer, self._fault(answer), f"many {query[:200]!r} {headers}")

    def _fault(self, answer: AsgiAnswer) -> str | None:
        """What is wrong with the answer whatever was asked."""
        if answer.status not in DOCUMENTED:
            return f"status {answer.status}"
        kind = answer.headers.get(b"content-type", b"")
        if answer.status >= 400 and kind != b"application/problem+json":
            return f"status {answer.status} as {kind!r}"
        if answer.status == 200 and not kind.startswith(b"text/event-stream"):
            return f"a stream as {kind!r}"
        return None

    def _contract_fault(self, cursor: str, answer: AsgiAnswer) -> str | None:
        """What is wrong with the answer to a position in the finished run, which one attempt brought to its end."""
        end = len(self._site.golden)
        events = raw_events(answer.body)
        match = re.fullmatch(r"(?:([0-9]{1,16})-)?([0-9]{1,16})", cursor, re.ASCII)
        if cursor == "":
            return None if events == self._site.golden else "not the whole"
        if match is None or max(int(number) for number in match.groups("0")) > LARGEST:
            return None if answer.status == 400 else f"garbage answered {answer.status}"
        attempt, seq = match[1], int(match[2])
        if seq == 0:
            return None if events == self._site.golden else "not the whole"
        if attempt is not None and int(attempt) != 1:
            return None if b"event: reset\n" in events[0].block else "no reset"
        if seq >= end:
            return None if answer.status == 204 else f"after the end answered {answer.status}"
        return None if joined(events) == joined(self._site.golden[seq:]) else "not the exact rest"

    def _note(self, answer: AsgiAnswer, fault: str | None, request: str) -> None:
        self.report.statuses[answer.status] += 1
        if fault is not None:
            self.report.wrong.append(f"{fault}: {request}")

    def _run(self) -> str:
        site, dice = self._site, self._dice
        known = (str(site.finished), str(site.waiting), str(site.foreign))
        kind = dice.choices(("known", "unknown", "mangled", "scrap"), (12, 1, 1, 1))[0]
        if kind == "known":
            return dice.choices(known, (8, 3, 1))[0]
        if kind == "unknown":
            return str(new_uuid())
        if kind == "mangled":
            return self._mangled(known[0])
        return dice.choice(SCRAPS)

    def _cursor(self) -> str:
        dice = self._dice
        kind = dice.choices(("pair", "number", "scrap", "mangled", "noise", "none"), (6, 3, 3, 2, 1, 1))[0]
        if kind == "pair":
            return f"{self._number()}-{self._number()}"
        if kind == "number":
            return str(self._number())
        if kind == "scrap":
            return dice.choice(SCRAPS)
        if kind == "mangled":
            return self._mangled(f"{self._number()}-{self._number()}")
        if kind == "noise":
            return "".join(
                chr(dice.choice((dice.randrange(1, 0x7F), dice.randrange(0xA0, 0xD7FF))))
                for _ in range(dice.randint(1, 40))
            )
        return ""

    def _number(self) -> int:
        dice = self._dice
        small, edges = (
            dice.randint(0, len(self._site.golden) + 3),
            [2**31 - 1, 2**31, 2**32, LARGEST, LARGEST + 1, 2**63, 2**64, 10**40],
        )
        return dice.choices(
            (1, small, dice.choice(edges), -small, dice.getrandbits(dice.randint(1, 70))), (8, 12, 2, 1, 2)
        )[0]

    def _mangled(self, text: str) -> str:
        place = self._dice.randrange(len(text))
        return (
            text[:place]
            + self._dice.choice([*SCRAPS, "", "0", "f", text])
            + text[place + self._dice.randint(0, 1) :]
        )

    def _auth(self) -> list[Header]:
        tokens = (
            self._site.token,
            self._site.strangers_token,
            "rr_wrong",
            "",
            "\u00e9",
            self._site.token[:-1],
        )
        token = self._dice.choices(tokens, (30, 2, 1, 1, 1, 1))[0]
        return [] if self._dice.random() < 0.02 else [(b"authorization", _bytes(f"Bearer {token}"))]

    def _ours(self) -> list[Header]:
        return [(b"authorization", _bytes(f"Bearer {self._site.token}"))]


def _bytes(text: str) -> bytes:
    """What a careless client puts on the wire."""
    return text.encode("utf-8", "surrogatepass")


def _seen(text: str) -> str:
    """A header's text as a server sees it."""
    return _bytes(text).decode("latin-1")


def _quoted(text: str) -> str:
    return quote(_bytes(text), safe="")


async def fuzz_cursors(settings: Settings, engine: Engine, *, requests: int, seed: int) -> FuzzReport:
    """Send ``requests`` to the real application over a migrated, empty database."""
    app = create_app(settings.model_copy(update={"streams_per_minute": 0}))  # a quick machine sends more
    async with calling(app) as caller:
        fuzzer = Fuzzer(caller, await _prepare(caller, settings, engine), seed)
        await fuzzer.send(requests)
    return fuzzer.report


async def _prepare(caller: AsgiCaller, settings: Settings, engine: Engine) -> FuzzSite:
    user, stranger = make_user(engine, "fuzz@example.org"), make_user(engine, "fuzz-stranger@example.org")
    finished, waiting, foreign = (make_run(engine, owner) for owner in (user, user, stranger))
    worker = WorkerResources.open(settings, Leaving())
    try:
        await asyncio.to_thread(perform_run, finished, worker, says(*PIECES), keep)
    finally:
        worker.runner.close()
        worker.redis.close()
        worker.engine.dispose()
    token = issue_bearer_token(engine, user, "fuzz")
    headers = [(b"authorization", _bytes(f"Bearer {token}"))]
    whole = await caller.get(f"/api/v1/runs/{finished}/events", headers=headers)
    golden = raw_events(whole.body)
    assert len(golden) > len(PIECES), whole
    return FuzzSite(finished, golden, waiting, foreign, token, issue_bearer_token(engine, stranger, "fuzz"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with own_servers() as (settings, engine):
        report = asyncio.run(fuzz_cursors(settings, engine, requests=given.requests, seed=given.seed))
    for wrong in report.wrong[:20]:
        print(f"wrong: {wrong}")
    print("statuses:", dict(sorted(report.statuses.items())))
    print(report.line)
    return 0 if not report.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
