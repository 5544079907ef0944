"""Benchmark 5: from the POST of a question to its worker's first event, against the sum of the raw parts."""

import contextlib
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import psycopg

from bench.arm_server import HOST, ArmServer, open_servers
from bench.bare_worker import TASK
from bench.child import Child
from bench.questions import fresh_conversations
from bench.ratios import Ratio, interval
from bench.redis_wire import RedisWire
from bench.report import Report
from bench.scenario import Scenario
from bench.site import Site
from bench.workers import open_workers, small_project
from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.task_dispatch import WakeUp, encode_message
from riverrun.kit.ids import new_uuid
from riverrun.streaming.commands import live_channel

QUESTION = b'{"content": "How is a greeting made?"}'
QUEUE = "benchmark_bare"
NATIVE = "riverrun"
ARMS = {arm: arm for arm in (NATIVE, "plan", "threads", "blocking")}
PATIENCE_SECONDS = 30.0
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class FirstEvent:
    """How many questions, each followed by its raw parts."""

    questions: int = 40


def measure_first_event(site: Site, report: Report, plan: FirstEvent) -> None:
    """The built-in model waits for nothing; the event that counts is ``started``, which the worker appends."""
    with contextlib.ExitStack() as stack:
        arms = stack.enter_context(open_arms(site, plan.questions + WARM_UP))
        parts = stack.enter_context(open_parts(site))
        seconds: dict[str, list[float]] = {arm: [] for arm in arms}
        summed = []
        for _ in range(plan.questions + WARM_UP):
            summed.append(parts.measure())
            for arm, questions in arms.items():
                seconds[arm].append(next(questions))
    totals = [sum(one.values()) for one in summed[WARM_UP:]]
    seconds = {arm: asked[WARM_UP:] for arm, asked in seconds.items()}
    asked = seconds[NATIVE]
    shares = {name: median(one[name] for one in summed[WARM_UP:]) * 1e3 for name in summed[0]}
    for arm, values in seconds.items():
        report.note_level(arm, "first event", {"errors": 0, "p50_ms": median(values) * 1e3})
    report.note_level("raw", "first event", {"errors": 0, "p50_ms": median(totals) * 1e3, **shares})
    words = " + ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in shares.items())
    report.add(
        Ratio(
            "5",
            "POST to first event",
            median(asked) / median(totals),
            interval(asked, totals),
            target=1.5,
            unit="x the raw parts",
            note=f"{median(asked) * 1e3:.2f} ms against {words} ms",
        )
    )
    for arm in seconds.keys() - {NATIVE}:
        value, between = median(seconds[arm]) / median(asked), interval(seconds[arm], asked)
        report.add(Ratio(f"5/{arm}", "POST to first event", value, between, unit=f"x {NATIVE}"))


@contextlib.contextmanager
def open_arms(site: Site, count: int) -> Iterator[dict[str, Iterator[float]]]:
    """Every arm on the same servers, beside workers that answer what is asked of any.

    Each ``next`` asks a question and gives the seconds to its first event.
    """
    project_id = small_project(site)
    with open_workers(site.settings), open_servers(ARMS, site.settings) as servers:
        yield {
            arm: ask_all(server.port, site.token, fresh_conversations(site, project_id, count))
            for arm, server in servers.items()
        }


def ask_all(port: int, token: str, conversation_ids: Sequence[str]) -> Iterator[float]:
    """A question a conversation."""
    return (ask(port, token, conversation_id) for conversation_id in conversation_ids)


def ask(port: int, token: str, conversation_id: str) -> float:
    """Seconds from the request's first byte to ``started``; the answer is read to its end all the same."""
    request = post(f"/api/v1/conversations/{conversation_id}/message", token)
    with socket.create_connection((HOST, port), PATIENCE_SECONDS) as connection:
        began = time.perf_counter()
        connection.sendall(request)
        received = read_until(connection, b"\nevent: started\n", b"")
        seconds = time.perf_counter() - began
        read_until(connection, b"\nevent: end\n", received)
    return seconds


def post(path: str, token: str) -> bytes:
    """The question as a request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(QUESTION)}\r\n\r\n"
    ).encode() + QUESTION


def read_until(connection: socket.socket, wanted: bytes, received: bytes) -> bytes:
    """What has been received when ``wanted`` has come.

    Raises:
        ConnectionError: the server ended without it.
    """
    while wanted not in received:
        data = connection.recv(65_536)
        if not data:
            raise ConnectionError(f"no {wanted!r} in {received[:500]!r}")
        received += data
    return received


class RawParts:
    """One request, one commit, one broker hop with an append that is heard: nothing of ours in between."""

    def __init__(self, site: Site, port: int, database: psycopg.Connection, message_of: "MessageOf") -> None:
        self._port = port
        self._database = database
        self._message_of = message_of
        self._broker = RedisWire(broker_url(site.settings))
        self._redis_url = site.settings.require_redis_url()

    def teach(self) -> None:
        """Let the raw server answer with an empty object, whatever it was taught before."""
        [lesson] = Scenario("lesson", "/200", bool, "PUT", b"{}").requests(1, HOST, "")
        with socket.create_connection((HOST, self._port), PATIENCE_SECONDS) as connection:
            connection.sendall(lesson)
            read_until(connection, b"\r\n\r\n{}", b"")

    def measure(self) -> dict[str, float]:
        """Seconds of each part."""
        return {"HTTP": self._request(), "commit": self._commit(), "hop and append": self._hop()}

    def _request(self) -> float:
        with socket.create_connection((HOST, self._port), PATIENCE_SECONDS) as connection:
            began = time.perf_counter()
            connection.sendall(post("/", "none"))
            read_until(connection, b"\r\n\r\n{}", b"")
            return time.perf_counter() - began

    def _commit(self) -> float:
        began = time.perf_counter()
        self._database.execute("INSERT INTO bare_commit VALUES (%s, %s)", (new_uuid(), QUESTION.decode()))
        return time.perf_counter() - began

    def _hop(self) -> float:
        wake_up = WakeUp(TASK, QUEUE, new_uuid())
        message = self._message_of(wake_up)
        ear = RedisWire(self._redis_url)
        ear.call("SUBSCRIBE", live_channel(wake_up.run_id))
        began = time.perf_counter()
        self._broker.call("LPUSH", QUEUE, message)
        ear.replies(1)
        seconds = time.perf_counter() - began
        ear.close()
        return seconds


class MessageOf:
    """Celery's message for a wake-up, built before the clock runs."""

    def __init__(self, site: Site) -> None:
        self._app = configure_celery(site.settings)

    def __call__(self, wake_up: WakeUp) -> bytes:
        return encode_message(self._app, wake_up)


@contextlib.contextmanager
def open_parts(site: Site) -> Iterator[RawParts]:
    """A raw server, a database connection and a bare worker, which has answered once."""
    url = site.settings.require_redis_url()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ArmServer("raw-asgi", site.settings))
        database = stack.enter_context(psycopg.connect(site.settings.require_database_url(), autocommit=True))
        database.execute("CREATE TABLE IF NOT EXISTS bare_commit (id uuid PRIMARY KEY, content text)")
        log = stack.enter_context((site.settings.data_dir / "bench-worker.log").open("w"))
        worker = stack.enter_context(Child("bench.bare_worker", QUEUE, url, log=log))
        stack.callback(worker.process.send_signal, signal.SIGTERM)
        parts = RawParts(site, server.port, database, MessageOf(site))
        parts.teach()
        parts.measure()
        yield parts
