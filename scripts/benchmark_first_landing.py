"""The first landing's figures: warm start, question to first event and first text, 200 readers on one API process.

Prints a table; ``--json FILE`` writes the figures too. Exit code 1 when a reader was not exact or a target was missed.
"""

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psutil
from rich.console import Console

from bench.figures import Figure, percentile, show, spread
from bench.synthetic_runs import SyntheticRun, speak, synthetic_runs
from riverrun.cli.client import RiverrunClient
from riverrun.cli.run_follower import RunFollower
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.sse_reader import SseReader
from riverrun.cli.stack import Stack
from riverrun.infra.settings import Settings

WARM_STARTS = 5
QUESTIONS = 30
READERS = 200
ROUNDS = 5
SECONDS_A_ROUND = 6.0
ARMS = {"one run, 20 events/s": (1, 20.0), "200 runs, 5 events/s each": (READERS, 5.0)}
"""What the readers follow: how many runs, and each one's events a second."""
QUESTION = "How does the router find the endpoint of a request?"


def main() -> int:
    """Measure everything on a stack of its own."""
    arguments = parse_arguments()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    taken_on = machine()
    with tempfile.TemporaryDirectory(prefix="riverrun-bench-") as folder:
        settings = Settings(data_dir=Path(folder), host="127.0.0.1", port=0, public_url=None, model=None)
        figures = warm_start(settings, arguments.starts)
        with Stack(settings) as stack:
            figures += first_event(stack, arguments.questions)
            for name, (runs, rate) in ARMS.items():
                figures += fan_out(stack, name, runs, rate, arguments.rounds)
    show(console, figures)
    console.print(f"[dim]{', '.join(f'{name} {value}' for name, value in taken_on.items())}[/]")
    if arguments.json:
        document = {"machine": taken_on, "figures": [figure.as_dict() for figure in figures]}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0 if all(figure.is_met for figure in figures) else 1


def parse_arguments() -> argparse.Namespace:
    """How often to measure, and where to write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--starts", type=int, default=WARM_STARTS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


def warm_start(settings: Settings, times: int) -> list[Figure]:
    """From the first server's start to a ready API and ready workers, on data that exists."""
    with Stack(settings) as stack:
        cold = stack.start_seconds
    warm = []
    for _ in range(times):
        with Stack(settings) as stack:
            warm.append(stack.start_seconds)
    return [
        Figure("cold start of the stack", cold, "s", note="new data folder, with migrations"),
        *spread("warm start of the stack", warm, "s", target_of_p95=5.0),
    ]


def first_event(stack: Stack, times: int) -> list[Figure]:
    """From the POST of a question to the first event, to the worker's first word, and to the first text."""
    with RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client:
        project_id = index_starlette(client)
        conversations = [client.start_conversation(project_id) for _ in range(times + 3)]
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx2.Client(base_url=stack.base_url, headers=headers, timeout=60, trust_env=False) as http:
        measured = [moments(http, conversation_id) for conversation_id in conversations][3:]
    return [
        *spread("question to first event", [one["queued"] for one in measured], "ms", target_of_p95=150.0),
        *spread(
            "question to the worker's start", [one["started"] for one in measured], "ms", target_of_p95=150.0
        ),
        *spread("question to first text", [one["text"] for one in measured], "ms"),
        *spread("question to end", [one["end"] for one in measured], "ms"),
    ]


def moments(http: httpx2.Client, conversation_id: str) -> dict[str, float]:
    """Milliseconds from the request to the first event of each type."""
    reader, seen = SseReader(), dict[str, float]()
    path = f"/api/v1/conversations/{conversation_id}/message"
    began = time.perf_counter()
    with http.stream(
        "POST", path, json={"content": QUESTION}, headers={"Idempotency-Key": str(uuid4())}
    ) as answer:
        answer.raise_for_status()
        for data in answer.iter_bytes():
            elapsed_ms = (time.perf_counter() - began) * 1000
            for frame in reader.feed(data):
                seen.setdefault(frame.event, elapsed_ms)
    return seen


def index_starlette(client: RiverrunClient) -> str:
    """A real package to ask about."""
    spec = importlib.util.find_spec("starlette")
    assert spec is not None
    assert spec.origin is not None
    started = client.parse({"repo_path": str(Path(spec.origin).parent)})
    for _ in RunFollower(client, started["run_id"]).events():
        pass
    return str(started["project_id"])


def fan_out(stack: Stack, arm: str, runs: int, rate: float, rounds: int) -> list[Figure]:
    """The delay from just before the append to the reader's socket, over all events of all readers."""
    p50, p99, exact, cpu = [], [], 0, []
    for _ in range(rounds):
        with synthetic_runs(stack.settings, runs) as speakers, reading(stack, speakers) as told:
            api = psutil.Process(stack.pids["api"])
            before = api.cpu_times()
            speak(speakers, rate, SECONDS_A_ROUND)
            after = api.cpu_times()
        delays_ms = [delay / 1e6 for delay in told["delays_ns"]]
        p50.append(percentile(delays_ms, 50))
        p99.append(percentile(delays_ms, 99))
        exact += told["exact"]
        cpu_seconds = after.user + after.system - before.user - before.system
        cpu.append(cpu_seconds * 1e6 / len(delays_ms))
    note = f"{READERS} readers, {rounds} x {SECONDS_A_ROUND:g} s, {len(delays_ms):,} deliveries each"
    return [
        Figure(f"{arm}: readers not exact", READERS * rounds - exact, "", 0, note),
        Figure(f"{arm}: delay p50", median(p50), "ms"),
        Figure(f"{arm}: delay p99", median(p99), "ms", 20.0, f"median of rounds, worst {max(p99):.1f} ms"),
        Figure(f"{arm}: CPU of the API a delivery", median(cpu), "us"),
    ]


@contextmanager
def reading(stack: Stack, runs: list[SyntheticRun]) -> Iterator[dict[str, Any]]:
    """A process with all readers, connected on entering; the dict holds what they saw after leaving."""
    address = urlsplit(stack.base_url)
    run_ids = [str(runs[number % len(runs)].id) for number in range(READERS)]
    job = {"host": address.hostname, "port": address.port, "token": stack.token, "run_ids": run_ids}
    told: dict[str, Any] = {}
    program = Path(__file__).parent / "bench" / "sse_readers.py"
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            say(process, json.dumps(job))
            if hear(process) != "ready":
                raise RuntimeError("the readers could not connect")
            yield told
            told.update(json.loads(hear(process)))
        except BaseException:
            process.kill()
            raise


def say(process: subprocess.Popen[str], line: str) -> None:
    """Write a line to a process."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    """A process's next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def machine() -> dict[str, object]:
    """Where the figures come from; a load near or over the number of cores before the start makes them worthless."""
    return {
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "load before": round(psutil.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
