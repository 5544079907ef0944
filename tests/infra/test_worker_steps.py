"""Celery's worker as we want it: it leaves well and comes back promptly."""

import subprocess
import sys

from celery.signals import worker_shutting_down
from tests.support.waiting import wait_until

from riverrun.infra.celery_app import configure_celery
from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_steps import HandOver, make_it_leave_well

STUCK = """
import os, threading, time
os.setpgid(0, 0)
from riverrun.infra import worker_steps
from riverrun.infra.worker_leaving import Leaving
worker_steps.EXIT_SECONDS = 0.2
leaving = Leaving()
threading.Thread(target=worker_steps.end_in_time, args=[leaving], daemon=True).start()
child = os.fork()
if child == 0:
    time.sleep(600)
print(child, flush=True)
leaving.announce()
time.sleep(600)
"""


def test_the_word_to_leave_is_given_by_the_signal_and_by_any_other_close(settings: Settings) -> None:
    app = configure_celery(settings)
    leaving = Leaving()
    app.riverrun_leaving = leaving
    make_it_leave_well(app, leaving)
    assert HandOver in app.steps["worker"]
    worker_shutting_down.send(sender="here")
    assert leaving.is_announced

    class Worker:
        """Celery's worker, as its steps see it."""

        def __init__(self) -> None:
            self.app = app
            self.steps: list[object] = []

    app.riverrun_leaving = Leaving()
    HandOver(Worker()).close(Worker())
    assert app.riverrun_leaving.is_announced
    app.close()


def test_what_does_not_end_by_itself_is_killed_with_its_group() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.wait(20)
    process.stdout.close()
    wait_until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
