"""The harness on a server that somebody else runs, as an engineer who takes a service to async asks for it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench.environment import SCRIPTS
from bench.level_lines import level_line
from bench.running_server import address_of, url_of

HARNESS = Path(SCRIPTS) / "benchmark_harness.py"
OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "GET /ok": OK + b'Content-Length: 9\r\n\r\n{"ok": 1}',
    "GET /chunked": OK + b'Transfer-Encoding: chunked\r\n\r\n5;x=1\r\n{"ok"\r\n4\r\n: 1}\r\n0\r\n\r\n',
    "DELETE /item": b"HTTP/1.1 204 No Content\r\n\r\n",
}
TARGET = """
import sys
from bench.scenario import Scenario, has_fields
NAME = "mine"
def scenarios(names, site):
    print("modules of the product:", sum(name.partition(".")[0] == "riverrun" for name in sys.modules))
    return [
        Scenario("ok", "/ok", has_fields("ok")),
        Scenario("chunked", "/chunked", has_fields("ok")),
        Scenario("delete", "/item", lambda answer: answer is None, "DELETE", status=204),
    ]
"""
LEVELS = [f"{name}@{count}" for name in ("ok", "chunked", "delete") for count in (2, 4)]


@dataclass
class Service:
    """Somebody's service, and the credentials that it was given."""

    url: str
    authorizations: set[str | None] = field(default_factory=set)


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            told.authorizations.add(self.headers["Authorization"])
            with contextlib.suppress(ConnectionError):
                self.wfile.write(ANSWERS[f"{self.command} {self.path}"])

        do_GET = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Service(f"http://127.0.0.1:{server.server_port}")
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield told
        server.shutdown()
        serving.join()


@dataclass(frozen=True)
class Ended:
    code: int
    said: str
    wrong: str

    @property
    def sentence(self) -> str:
        """What it was refused with."""
        return self.wrong.rpartition(" error: ")[2].strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a target of one's own."""
    (tmp_path / "mine.py").write_text(TARGET)
    return tmp_path


def harness(folder: Path, *words: str, environment: Mapping[str, str], target: str = "mine.py") -> Ended:
    own = {"BASE_URL", "AUTH_TOKEN", "AUTH_HEADER", "CONCURRENT", "ROUNDS"}
    inherited = {name: value for name, value in os.environ.items() if name not in own}
    ended = subprocess.run(
        [sys.executable, str(HARNESS), *(("--target", target) if target else ()), *words],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def measured(folder: Path, service: Service, *words: str, **environment: str) -> Ended:
    settings = {"BASE_URL": service.url, "CONCURRENT": "2,4", **environment}
    return harness(folder, *words, environment=settings)


def kept(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_each_level_is_said_and_kept_with_the_servers_url(folder: Path, service: Service) -> None:
    ended = measured(folder, service, "--json", "now/", AUTH_TOKEN="secret")
    assert (ended.code, ended.wrong) == (0, "")
    first, *lines = ended.said.splitlines()
    assert first == "modules of the product: 0"
    assert [line.partition(",")[0] for line in lines] == LEVELS
    for word in ("min", "p50", "p95", "p99", "max", "wall", "requests/s", "0 of 20 wrong"):
        assert word in lines[1]
    report = kept(folder / "now" / "mine.json")
    assert list(report["arms"]["running"]) == LEVELS
    assert report["environment"]["server"] == service.url
    assert report["environment"].keys() & {"commit", "versions", "python"} == set()
    assert report["environment"]["harness"].keys() == {"commit", "versions", "python"}
    assert "secret" not in json.dumps(report)


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({"AUTH_TOKEN": "abc"}, "Bearer abc"),
        ({"AUTH_HEADER": "Bearer abc:d"}, "Bearer abc:d"),
        ({"AUTH_HEADER": "authorization: Basic abc"}, "Basic abc"),
        ({}, None),
    ],
)
def test_one_signs_in_by_a_token_a_header_or_its_value(
    folder: Path, service: Service, environment: dict[str, str], header: str | None
) -> None:
    assert measured(folder, service, "--rounds", "1", **environment).code == 0
    assert service.authorizations == {header}


def test_a_run_is_compared_with_what_was_measured_before_it_even_in_the_same_file(
    folder: Path, service: Service
) -> None:
    assert measured(folder, service, "--json", "s.json").code == 0
    report = kept(folder / "s.json")
    report["arms"]["running"]["ok@4"] |= {"p95_ms": 1e-6, "p95_ci95_ms": [1e-6, 1e-6]}
    (folder / "s.json").write_text(json.dumps(report))
    ended = measured(folder, service, "--json", "s.json", "--baseline", "s.json")
    assert ended.code == 1
    assert "WORSE: running, ok@4: p95 " in ended.said
    assert kept(folder / "s.json")["arms"]["running"]["ok@4"]["p95_ms"] > 1e-6


def test_what_could_not_be_compared_is_told_and_nothing_in_common_is_no_success(
    folder: Path, service: Service
) -> None:
    measured(folder, service, "--json", "s.json")
    partly = measured(folder, service, "--baseline", "s.json", CONCURRENT="1,4")
    assert "not compared: running, ok@1: the baseline has no such level" in partly.said
    assert "nothing could be compared" not in partly.said
    for words, reason in (
        (("--concurrency", "1"), "the baseline has no such level"),
        (("--rounds", "2"), "too few rounds to compare: 2; at least 5"),
    ):
        ended = measured(folder, service, "--baseline", "s.json", *words)
        assert ended.code == 1
        assert reason in ended.said
        assert "FAILED: mine, nothing could be compared with the baseline" in ended.said


def test_a_folder_of_baselines_may_lack_that_of_a_new_benchmark(folder: Path, service: Service) -> None:
    (folder / "other.py").write_text(TARGET.replace("mine", "other"))
    assert measured(folder, service, "--json", "kept/").code == 0
    ended = measured(folder, service, "--target", "other.py", "--baseline", "kept")
    assert "not compared: other, of which kept has nothing" in ended.said
    assert "not compared: mine" not in ended.said


def test_a_server_that_is_down_is_one_sentence_and_a_report(folder: Path) -> None:
    ended = harness(folder, "--json", "s.json", environment={"BASE_URL": "http://127.0.0.1:1"})
    assert (ended.code, ended.wrong) == (1, "")
    assert "FAILED: mine, levels: nobody listens at 127.0.0.1:1 " in ended.said
    assert kept(folder / "s.json")["failures"]


def test_nothing_measured_is_no_success(folder: Path, service: Service) -> None:
    (folder / "none.py").write_text("NAME = 'none'\ndef scenarios(names, site): return []\n")
    ended = harness(folder, environment={"BASE_URL": service.url}, target="none.py")
    assert (ended.code, ended.said) == (1, "FAILED: none, nothing was measured\n")


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        ("--rounds 0", {}, "argument --rounds: '0' is no whole number from 1 on"),
        ("--concurrency 4,-1", {}, "argument --concurrency: '-1' is no whole number from 1 on"),
        ("", {"ROUNDS": "x"}, "argument --rounds: 'x' is no whole number from 1 on"),
        ("", {"CONCURRENT": ""}, "argument --concurrency: '' is no whole number from 1 on"),
        ("--arms bogus", {}, "there is no arm 'bogus', only raw, riverrun, plan, threads, blocking"),
        ("--arms raw", {}, "--arms means nothing with BASE_URL: only that server is asked"),
        ("--no-levels", {}, "--no-levels means nothing with BASE_URL: only that server is asked"),
        ("--against https://there", {}, "begins with no http://, and TLS is not spoken"),
        ("--baseline missing.json", {}, "missing.json cannot be read: No such file"),
        ("--baseline mine.py", {}, "mine.py is no result of a benchmark"),
        ("--baseline .", {}, "--baseline: . has none of mine"),
        ("--json mine.py/now.json", {}, "argument --json: "),
        ("--target missing.py", {}, "argument --target: there is no script missing.py"),
        ("--target empty.py", {}, "empty.py is no target: it declares no NAME or no scenarios"),
        ("--target other.py --json now.json", {}, "--json must be a folder"),
        ("", {"AUTH_TOKEN": "a\nb"}, "BASE_URL: AUTH_TOKEN or AUTH_HEADER holds what cannot be in a header"),
    ],
)
def test_wrong_usage_is_one_sentence_before_anything_is_measured(
    folder: Path, words: str, environment: dict[str, str], sentence: str
) -> None:
    (folder / "empty.py").touch()
    (folder / "other.py").write_text(TARGET.replace("mine", "other"))
    ended = harness(folder, *words.split(), environment={"BASE_URL": "http://127.0.0.1:1", **environment})
    assert (ended.code, ended.said) == (2, "")
    assert sentence in ended.sentence
    assert "Traceback" not in ended.wrong


def test_help_needs_no_target(folder: Path) -> None:
    ended = harness(folder, "--help", environment={}, target="")
    assert ended.code == 0
    assert "--target" in ended.said
    assert "--concurrency" in ended.said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://there", "TLS is not spoken"),
        ("127.0.0.1:18470", "begins with no http://"),
        ("there:8000", "begins with no http://"),
        ("", "begins with no http://"),
        ("http://", "the host is missing"),
        ("http://:80", "the host is missing"),
        ("http://there/v1", "paths are the scenarios' own"),
        ("http://there?a=1", "paths are the scenarios' own"),
        ("http://there:hidden", "the port is no port$"),
        ("http://there:0", "the port is no port$"),
        ("http://me:hidden@there", "not by the URL$"),
    ],
)
def test_a_url_that_cannot_be_asked_as_it_stands_is_refused_without_being_repeated(
    url: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        address_of(url)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://there:8000", "http://there:8000/", "HTTP://[::1]:80", "http://there"]
)
def test_a_url_is_kept_with_its_port_and_without_anything_else(url: str) -> None:
    told = {"http://there:8000/": "http://there:8000", "http://there": "http://there:80"}
    assert url_of(address_of(url)) == told.get(url, url.lower())


def test_a_level_of_few_rounds_has_a_dash_for_its_interval_and_one_without_answers_has_no_latencies() -> None:
    counted = {"errors": 1, "requests": 4, "wall_seconds": 1.5}
    times = {"min_ms": 1, "p50_ms": 2, "p95_ms": 3, "p99_ms": 4, "max_ms": 1234.5, "requests_per_second": 2}
    assert level_line("running", "ok@2", counted) == "ok@2, running: wall 1.500 s; 1 of 4 wrong"
    assert level_line("running", "ok@2", counted | times | {"p95_ci95_ms": None}) == (
        "ok@2, running: min 1.00, p50 2.00, p95 3.00 [-], p99 4.00, max 1,234.50 ms; "
        "wall 1.500 s; 2.0 requests/s; 1 of 4 wrong"
    )
    assert "p95 3.00 [2.50 .. 3.50]" in level_line("x", "y", counted | times | {"p95_ci95_ms": [2.5, 3.5]})
