import os
import signal
import stat
import sys
from pathlib import Path

import psutil
import pytest
from tests.support.waiting import wait_until

from riverrun.embedded import EmbeddedError, guarded_process
from riverrun.embedded.guarded_process import Account, GuardedProcess

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    print("grandchild", os.getpid(), flush=True)
else:
    print("child", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def log_path(tmp_path):
    return tmp_path / "child.log"


def python(program):
    return [sys.executable, "-I", "-S", "-c", program]


def said(log_path):
    return log_path.read_text() if log_path.exists() else ""


def family(log_path):
    """The stubborn child and its grandchild, once both have said that they are up."""
    lines = wait_until(lambda: len(found := said(log_path).split()) == 4 and found)
    return [psutil.Process(int(number)) for number in (lines[1], lines[3])]


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_exit_status_and_the_output_come_through(log_path):
    process = GuardedProcess(
        python("import sys; print('out'); sys.stderr.write('err'); sys.exit(7)"), log_path=log_path
    )
    assert process.wait(10) == 7
    assert "out" in said(log_path)
    assert "err" in said(log_path)


def test_a_death_by_signal_is_told_as_a_shell_tells_it(log_path):
    process = GuardedProcess(python("import signal; signal.pause()"), log_path=log_path)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(10) == 128 + signal.SIGKILL


def test_a_program_that_is_nowhere_ends_with_127_and_a_word(log_path):
    process = GuardedProcess(["/nowhere/at/all"], log_path=log_path)
    assert process.wait(10) == 127
    assert "cannot start /nowhere/at/all" in process.log_tail()


def test_the_stop_signal_is_the_chosen_one(log_path):
    program = "import signal, sys; signal.signal(2, lambda *_: sys.exit(42)); print('up', flush=True); signal.pause()"
    process = GuardedProcess(python(program), log_path=log_path, stop_signal=signal.SIGINT)
    wait_until(lambda: "up" in said(log_path))
    assert process.stop() == 42


def test_who_ignores_the_stop_signal_is_killed_with_all_descendants_after_the_grace(log_path):
    process = GuardedProcess(python(STUBBORN), log_path=log_path, grace_seconds=0.2)
    members = family(log_path)
    assert process.stop() == 128 + signal.SIGKILL
    wait_until(lambda: all(map(is_gone, members)))


def test_a_kill_is_at_once_whatever_the_grace_even_after_a_request_to_stop(log_path):
    process = GuardedProcess(python(STUBBORN), log_path=log_path, grace_seconds=3600)
    members = family(log_path)
    process.ask_to_stop()
    process.kill()
    assert process.wait(10) == 128 + signal.SIGKILL
    wait_until(lambda: all(map(is_gone, members)))


def test_descendants_do_not_outlive_a_leader_that_was_killed(log_path):
    process = GuardedProcess(python(STUBBORN), log_path=log_path)
    members = family(log_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    wait_until(lambda: all(map(is_gone, members)))


def test_a_child_does_not_outlive_its_guard(log_path):
    process = GuardedProcess(python(STUBBORN), log_path=log_path)
    members = family(log_path)
    members[0].parent().kill()
    assert process.wait(10) == 128 + signal.SIGKILL
    wait_until(lambda: all(map(is_gone, members)))


def test_the_child_reads_the_given_file_and_otherwise_nothing(log_path, tmp_path):
    (tmp_path / "input").write_text("from the file")
    program = "import sys; print('read', repr(sys.stdin.read()))"
    GuardedProcess(python(program), log_path=log_path, input_path=tmp_path / "input").wait(10)
    GuardedProcess(python(program), log_path=log_path).wait(10)
    assert said(log_path) == "read 'from the file'\nread ''\n"


def test_a_wait_that_is_too_short_says_so(log_path):
    process = GuardedProcess(python("import signal; signal.pause()"), log_path=log_path)
    with pytest.raises(TimeoutError):
        process.wait(0.01)
    process.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_a_whole_service_leaves_the_childs_turn_to_the_parent(log_path, number):
    program = (
        "import signal; signal.signal(15, lambda *_: print('asked', flush=True)); print('up', flush=True)"
    )
    process = GuardedProcess(python(f"{program}\nwhile True: signal.pause()"), log_path=log_path)
    wait_until(lambda: "up" in said(log_path))
    child = psutil.Process(process.pid)
    child.parent().send_signal(number)
    for minded in (child.parent(), child):  # who sleeps again has done what the signal made it do
        wait_until(lambda each=minded: each.status() == psutil.STATUS_SLEEPING)
    assert said(log_path) == "up\n"
    process.kill()
    assert process.wait(10) == 128 + signal.SIGKILL


def test_what_a_child_makes_and_says_is_for_its_own_user_alone(log_path, tmp_path):
    program = "import os; os.mkdir('folder'); open('file', 'w').close()"
    GuardedProcess(python(program), log_path=log_path, folder=tmp_path).wait(10)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"folder": 0o700, "file": 0o600, log_path.name: 0o600}


def test_a_guard_that_cannot_start_leaves_nothing_behind(log_path, monkeypatch):
    monkeypatch.setattr(guarded_process.guard, "__file__", "/nowhere/guard.py")
    before = psutil.Process().children()
    with pytest.raises(EmbeddedError, match="could not start"):
        GuardedProcess(python(""), log_path=log_path)
    assert psutil.Process().children() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize(("keep_file_access", "words"), [(True, ["65534", "reached"]), (False, ["65534"])])
def test_an_ordinary_user_passes_closed_folders_only_if_it_is_let(
    log_path, tmp_path, keep_file_access, words
):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("")
    process = GuardedProcess(
        ["/bin/sh", "-c", f"id -u; test -e {closed}/file && echo reached"],
        log_path=log_path,
        account=Account(65534, 65534, keep_file_access=keep_file_access),
        folder=Path("/"),
    )
    process.wait(10)
    assert said(log_path).split() == words
