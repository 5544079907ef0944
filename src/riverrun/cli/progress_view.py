"""How indexing looks while it goes: one bar a phase on a terminal, one line a phase in a pipe."""

from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
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
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        self._tasks["queued"] = self._bars.add_task("queued", total=None, unit="")
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, fold: EventFold) -> None:
        progress = fold.progress
        if not progress:
            return
        phase, total = progress["phase"], progress.get("total") or None
        if phase not in self._tasks:
            self._finish_the_others()
            self._tasks[phase] = self._bars.add_task(phase, total=total, unit=progress["unit"])
        self._bars.update(self._tasks[phase], completed=progress["done"], total=total)
        if fold.end and fold.end["status"] == "completed":
            self._finish_the_others()

    def _finish_the_others(self) -> None:
        for phase, task_id in list(self._tasks.items()):
            if phase == "queued":
                self._bars.remove_task(self._tasks.pop(phase))
                continue
            task = self._bars.tasks[self._bars.task_ids.index(task_id)]
            done = task.total or task.completed
            self._bars.update(task_id, total=done, completed=done)
