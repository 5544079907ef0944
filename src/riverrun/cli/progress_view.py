"""How indexing looks while it goes: one bar a phase on a terminal, one line a phase in a pipe."""

from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from riverrun.cli.event_fold import EventFold


class ProgressView(Protocol):
    """Shows the progress of a fold. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, fold: EventFold) -> None:
        """Bring the screen level with the fold."""
        ...


def open_progress(console: Console) -> ProgressView:
    """The view that fits where the output goes."""
    return LiveProgressView(console) if console.is_terminal else PlainProgressView(console)


class PlainProgressView:
    """Names each phase once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, fold: EventFold) -> None:
        progress = fold.progress
        if progress and progress["phase"] != self._phase:
            self._phase = progress["phase"]
            amount = f" {progress['total']:,} {progress['unit']}" if progress.get("total") else ""
            self._console.print(f"{self._phase}{amount}")


class LiveProgressView:
    """A bar for each phase; a phase whose size is unknown pulses."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._phase = ""
        self._bar = TaskID(0)

    def __enter__(self) -> Self:
        self._bars.start()
        self._begin("queued")
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, fold: EventFold) -> None:
        progress = fold.progress
        if not progress:
            return
        if progress["phase"] != self._phase:
            self._finish()
            self._begin(progress["phase"])
        self._bars.update(
            self._bar, completed=progress["done"], total=progress["total"] or None, amount=_amount(progress)
        )
        if fold.end and fold.end["status"] == "completed":
            self._finish()

    def _begin(self, phase: str) -> None:
        self._phase = phase
        self._bar = self._bars.add_task(phase, total=None, amount="")

    def _finish(self) -> None:
        """Fill the bar; the wait for a worker leaves none."""
        if self._phase == "queued":
            self._bars.remove_task(self._bar)
        else:
            self._bars.update(self._bar, total=1, completed=1)


def _amount(progress: dict[str, Any]) -> str:
    done, total, unit = progress["done"], progress["total"], progress["unit"]
    if total:
        return f"{done:,}/{total:,} {unit}"
    return f"{done:,} {unit}" if done else ""
