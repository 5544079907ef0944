import os
import shutil
import signal
import sys
import threading

import pytest
from tests.support.waiting import wait_until

from riverrun.cli import supervisor
from riverrun.cli.supervisor import Child, Supervisor, in_words
from riverrun.embedded import EmbeddedError
from riverrun.embedded.guarded_process import GuardedProcess

LASTING = "import signal; signal.pause()"
FAILING = "import sys; sys.exit(3)"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.01)


@pytest.fixture
def make_child(tmp_path):
    """Children of a Python program each, ended after the test."""
    made = []

    def make(program, folder="."):
        def start(log_path):
            return GuardedProcess(
                [sys.executable, "-I", "-S", "-c", program], log_path=log_path, grace_seconds=1
            )

        made.append(Child("worker", tmp_path / folder / "worker.log", start))
        return made[-1]

    yield make
    for child in made:
        child.process.stop()


@pytest.fixture
def watch():
    """A started supervisor and what it says, stopped after the test."""
    started = []

    def watch(children, servers=None, say=None):
        said = []
        started.append(Supervisor(children, servers, say or said.append))
        started[-1].start()
        return said

    yield watch
    for one in started:
        assert one.stop(timeout_seconds=10)


def test_a_killed_child_is_started_again_and_told_once(make_child, watch):
    child = make_child(LASTING)
    first = child.process.pid
    said = watch([child])
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.pid != first and child.process.returncode is None)
    assert said == [f"worker ended (killed by signal 9); starting it again. Its log: {child.log_path}"]


def test_a_child_that_lives_is_left_alone(make_child):
    child = make_child(LASTING)
    first = child.process.pid
    assert [child.revive() for _ in range(3)] == [None, None, None]
    assert child.process.pid == first


def test_each_early_death_doubles_the_delay_up_to_a_bound(make_child, monkeypatch):
    monkeypatch.setattr(supervisor, "LONGEST_DELAY_SECONDS", 0.04)
    child = make_child(FAILING)
    delays = []
    for _ in range(4):
        wait_until(lambda: child.process.returncode is not None)
        delays.append(child._delay_seconds)
        assert "exit status 3" in child.revive()
        wait_until(lambda: child.revive() is None and child._due is None)
    assert delays == [0.01, 0.02, 0.04, 0.04]


def test_a_long_life_wipes_the_slate(make_child, monkeypatch):
    child = make_child(FAILING)
    child._delay_seconds = 25.0
    monkeypatch.setattr(supervisor, "HEALTHY_SECONDS", 0.0)
    wait_until(lambda: child.process.returncode is not None)
    child.revive()
    assert child._delay_seconds == 2 * supervisor.FIRST_DELAY_SECONDS


class Servers:
    """Stands in for the embedded pair; its real revival is tested with the servers themselves."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)

    def revive(self):
        outcome = self.outcomes.pop(0) if self.outcomes else []
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_trouble_that_lasts_is_told_once_and_then_the_recovery(watch):
    trouble = EmbeddedError("the disk is full")
    servers = Servers(trouble, trouble, trouble, ["Postgres"])
    said = watch([], servers)
    wait_until(lambda: not servers.outcomes and len(said) == 2)
    assert said == ["the disk is full", "Postgres had ended; it is running again."]


@pytest.mark.parametrize(
    ("status", "words"), [(0, "exit status 0"), (1, "exit status 1"), (137, "killed by signal 9")]
)
def test_an_exit_status_is_said_in_words(status, words):
    assert in_words(status) == words


def test_nothing_is_started_any_more_once_it_is_stopped_even_if_it_is_still_waiting(make_child):
    child = make_child(LASTING)
    waiting, goes_on = threading.Event(), threading.Event()

    class SlowServers:
        """Embedded servers that take their time: the supervisor outlives its stop here."""

        def revive(self):
            waiting.set()
            goes_on.wait(20)
            return []

    one = Supervisor([child], SlowServers(), lambda _: None)
    one.start()
    assert waiting.wait(20)
    killed = child.process.pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: child.process.returncode is not None)
    assert child.revive() is not None  # its delay runs: the next look would start it
    assert one.stop(timeout_seconds=0.05) is False
    goes_on.set()
    assert one.stop(timeout_seconds=20)
    assert child.process.pid == killed


def test_a_child_without_a_log_of_its_own_is_told_of_without_one():
    class Gone:
        returncode = 3

    assert (
        Child("worker", None, lambda _: Gone()).revive() == "worker ended (exit status 3); starting it again."
    )


@pytest.mark.parametrize("trouble", [BrokenPipeError(), SystemExit(1), ValueError("closed file")])
def test_a_child_is_started_again_even_when_nobody_can_be_told(make_child, watch, trouble):
    def say(words):
        raise trouble

    child = make_child(LASTING)
    first = child.process.pid
    watch([child], say=say)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.pid != first and child.process.returncode is None)


def test_a_child_whose_folder_of_logs_was_removed_is_started_again(make_child, watch):
    child = make_child(LASTING, "logs")
    first = child.process.pid
    watch([child])
    shutil.rmtree(child.log_path.parent)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.pid != first and child.process.returncode is None)
    assert child.log_path.exists()


def test_what_prevents_a_start_is_told_once_and_it_is_tried_again_until_it_works(
    make_child, watch, monkeypatch
):
    child = make_child(LASTING)
    first = child.process.pid
    refusals = [BlockingIOError(11, "Resource temporarily unavailable")] * 3
    start = child._start

    def refused_at_first(log_path):
        if refusals:
            raise refusals.pop()
        return start(log_path)

    monkeypatch.setattr(child, "_start", refused_at_first)
    said = watch([child])
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.pid != first and child.process.returncode is None)
    assert said[1:] == [
        "worker cannot be started yet: BlockingIOError: [Errno 11] Resource temporarily unavailable"
    ]
    assert child._due is None


def test_trouble_of_any_kind_with_the_servers_keeps_no_child_from_being_started(make_child, watch):
    child = make_child(LASTING)
    first = child.process.pid
    full = OSError(28, "No space left on device")
    servers = Servers(full, full, ["Valkey"])
    said = watch([child], servers)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.process.pid != first and child.process.returncode is None)
    wait_until(lambda: not servers.outcomes and said[-1].startswith("Valkey"))
    assert said.count("OSError: [Errno 28] No space left on device") == 1
