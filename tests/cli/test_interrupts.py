"""What a foreground command does with the signals that end it; a terminal of its own is in ``tests/e2e/test_processes.py``."""

import contextlib
import errno
import io
import os
import signal
from collections.abc import Iterator
from typing import cast

import pytest
from rich.console import Console

from riverrun.cli.interrupts import ended_by_signals
from riverrun.cli.stack import Stack
from riverrun.cli.up import run


class Exited(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Gets an entry when everything is killed; the process itself goes on. A hangup that nobody heeds does nothing."""

    def leave(status: int) -> None:
        raise Exited

    monkeypatch.setattr(os, "_exit", leave)
    former = signal.signal(signal.SIGHUP, lambda *_: None)
    yield []
    signal.signal(signal.SIGHUP, former)


def end_by(*numbers: signal.Signals, killed: list[str]) -> None:
    """Send the first, and the others while the command tidies up."""
    with ended_by_signals(lambda: killed.append("all")):
        first, *later = numbers
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(first)
        for number in later:
            signal.raise_signal(number)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_second_time_kills(first: signal.Signals, killed: list[str]) -> None:
    with pytest.raises(Exited):
        end_by(first, signal.SIGINT, killed=killed)
    assert killed == ["all"]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_hangups_ask_as_well_and_never_kill(first: signal.Signals, killed: list[str]) -> None:
    end_by(first, signal.SIGHUP, signal.SIGHUP, killed=killed)
    assert killed == []


def test_a_logout_that_hangs_up_before_it_terminates_kills_nothing(killed: list[str]) -> None:
    end_by(signal.SIGHUP, signal.SIGTERM, killed=killed)
    assert killed == []
    with pytest.raises(Exited):
        end_by(signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, killed=killed)


def test_under_nohup_a_hangup_is_not_heard(killed: list[str]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_by_signals(lambda: killed.append("all")):
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


class Terminal(io.StringIO):
    """Takes no words once it is closed."""

    is_closed = False

    def write(self, text: str) -> int:
        if self.is_closed:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)


@pytest.mark.parametrize("reason", [KeyboardInterrupt, OSError])
def test_a_terminal_that_is_closed_while_all_starts_ends_it_in_order(reason: type[BaseException]) -> None:
    terminal, ended = Terminal(), []

    class Starting:
        def __enter__(self) -> None:
            terminal.is_closed = True
            raise reason

        def stop(self) -> None:
            ended.append("stopped")

    asked = contextlib.nullcontext() if reason is KeyboardInterrupt else pytest.raises(OSError)
    with asked:
        run(cast(Stack, Starting()), Console(file=terminal, force_terminal=True))
    assert ended == ["stopped"]
