"""Helpers that die in every way, and a client that loses one file to it at most."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from tests.support.waiting import wait_until

from riverrun.parsing.parse_client import (
    HelperUnavailable,
    ParseHelper,
    ParseReply,
    ParseRequest,
    ParsingAbandoned,
)

TREACHEROUS = (sys.executable, str(Path(__file__).with_name("treacherous_helper.py")))

PROJECT = UUID(int=1)


@pytest.fixture
def helper() -> Iterator[ParseHelper]:
    started = ParseHelper(TREACHEROUS, file_timeout_seconds=1.5)
    yield started
    started.close()


def requests(*sources: str) -> list[ParseRequest]:
    return [
        ParseRequest(number, f"{number}.py", "python", source.encode())
        for number, source in enumerate(sources)
    ]


def outcome(replies: list[ParseReply]) -> list[str | int | None]:
    return [reply.rows.symbols if reply.rows else reply.reason for reply in replies]


CRASHED = "The parser crashed on this file."


def test_files_are_described_in_their_order(helper: ParseHelper) -> None:
    replies = helper.parse(PROJECT, requests("def f(): pass\n", "x = 1\ny = 2\n", ""))
    assert outcome(replies) == [1, 2, 0]
    assert [reply.request.file_id for reply in replies] == [0, 1, 2]
    assert replies[0].rows is not None
    assert replies[0].rows.symbol_rows.startswith(f"{PROJECT}\t0\tf\tf\tfunction\t1\t1\tdef f()\t".encode())


def test_a_crash_costs_the_file_alone(helper: ParseHelper) -> None:
    replies = helper.parse(
        PROJECT, requests("x = 1\n", "crash always\n", "y = 1\n", "crash always\n", "z = 1\n")
    )
    assert outcome(replies) == [1, CRASHED, 1, CRASHED, 1]


def test_a_helper_killed_by_chance_costs_nothing(helper: ParseHelper, tmp_path: Path) -> None:
    replies = helper.parse(
        PROJECT, requests("x = 1\n", f"# crash once: {tmp_path}/marker\ny = 1\n", "z = 1\n")
    )
    assert outcome(replies) == [1, 1, 1]


def test_a_hanging_file_is_given_up(helper: ParseHelper) -> None:
    replies = helper.parse(PROJECT, requests("x = 1\n", "hang\n", "y = 1\n"))
    assert outcome(replies) == [1, "Parsing this file took too long.", 1]


def test_a_file_that_eats_memory_is_an_error_of_that_file(helper: ParseHelper) -> None:
    replies = helper.parse(PROJECT, requests("eat memory\n", "y = 1\n"))
    assert outcome(replies) == ["The parser failed: MemoryError: ", 1]


def test_a_file_that_is_no_text_says_so(helper: ParseHelper) -> None:
    reply, odd = helper.parse(
        PROJECT,
        [
            ParseRequest(1, "a.py", "python", bytes(range(128, 256)) * 50),
            ParseRequest(2, "b.py", "python", b"name = 'caf\xe9'\n" + b"x = 1\n" * 20),
        ],
    )
    assert reply.reason == "The file is no text in UTF-8."
    assert odd.rows is not None
    assert odd.rows.note == "1 byte is no UTF-8 and is shown as \ufffd."


def test_a_helper_that_was_stopped_by_a_signal_is_replaced(helper: ParseHelper) -> None:
    helper.parse(PROJECT, requests("x = 1\n"))
    os.kill(helper.pid or 0, signal.SIGSTOP)
    assert outcome(helper.parse(PROJECT, requests("x = 1\n" * 50_000, "y = 1\n"))) == [
        "Parsing this file took too long.",
        1,
    ]


def test_waiting_ends_when_nobody_wants_the_reply() -> None:
    helper = ParseHelper(TREACHEROUS, is_abandoned=lambda: True)
    with pytest.raises(ParsingAbandoned):
        helper.parse(PROJECT, requests("hang\n"))
    assert helper.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="pipes have no size that we can set")
def test_what_follows_is_parsed_before_it_is_asked_for(helper: ParseHelper, tmp_path: Path) -> None:
    following = requests(f"# crash once: {tmp_path}/marker\ny = 1\nz = 1\n", "x = 1\n")
    assert outcome(helper.parse(PROJECT, requests("x = 1\n"), following)) == [1]
    wait_until((tmp_path / "marker").exists)
    assert outcome(helper.parse(PROJECT, following)) == [2, 1]


def test_a_crash_spares_what_was_sent_ahead(helper: ParseHelper) -> None:
    following = requests("x = 1\ny = 1\n", "crash always\n", "def f(): pass\n")
    last = requests("z = 1\n")
    assert outcome(helper.parse(PROJECT, requests("crash always\n", "x = 1\n"), following)) == [CRASHED, 1]
    assert outcome(helper.parse(PROJECT, following, last)) == [2, CRASHED, 1]
    assert outcome(helper.parse(PROJECT, last)) == [1]


def test_a_hanging_file_spares_what_was_sent_ahead(helper: ParseHelper) -> None:
    following = requests("x = 1\ny = 1\n")
    hangs = helper.parse(PROJECT, requests("hang\n"), following)
    assert outcome(hangs) == ["Parsing this file took too long."]
    assert outcome(helper.parse(PROJECT, following)) == [2]


def test_what_was_sent_ahead_and_is_not_asked_for_is_no_answer_to_something_else(helper: ParseHelper) -> None:
    helper.parse(PROJECT, requests("x = 1\n"), requests("x = 1\ny = 1\n"))
    assert outcome(helper.parse(PROJECT, requests("def f(): pass\n"))) == [1]
    assert outcome(helper.parse(PROJECT, requests("x = 1\ny = 1\n"))) == [2]


def test_what_fits_into_no_pipe_waits_for_its_turn(helper: ParseHelper) -> None:
    following = requests("# word " * 100_000)
    assert outcome(helper.parse(PROJECT, requests("x = 1\n"), following)) == [1]
    assert [reply.rows is not None for reply in helper.parse(PROJECT, following)] == [True]


@pytest.mark.parametrize(
    "command", [("/no/such/program",), ("/bin/false",), ("/bin/echo", "no frame at all, only words")]
)
def test_a_helper_that_cannot_start_is_no_files_fault(command: tuple[str, ...]) -> None:
    helper = ParseHelper(command)
    with pytest.raises(HelperUnavailable, match="does not start"):
        helper.parse(PROJECT, requests("x = 1\n"))
    helper.close()


def test_a_helper_ends_when_its_indexer_does() -> None:
    code = (
        "import os, sys; from uuid import UUID; from riverrun.parsing.parse_client import ParseHelper, ParseRequest; "
        "helper = ParseHelper(); helper.parse(UUID(int=1), [ParseRequest(1, 'a.py', 'python', b'')]); "
        "print(helper.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = psutil.Popen([sys.executable, "-c", code], stdout=-1)
    pid = int(done.communicate()[0])
    wait_until(lambda: not psutil.pid_exists(pid))


def test_a_helper_sees_no_secrets_of_ours(helper: ParseHelper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_DATABASE_URL", "postgresql://secret")
    helper.parse(PROJECT, requests(""))
    assert "secret" not in str(psutil.Process(helper.pid).environ())
