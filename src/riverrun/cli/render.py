"""How an answer looks while it streams: rendered markdown on a terminal, the bare text in a pipe."""

import sys
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.text import Text

from riverrun.cli.event_fold import EventFold
from riverrun.cli.markdown_blocks import closed_length

STARTS_OVER = "the answer goes on from an earlier place"


class AnswerView(Protocol):
    """Shows a fold as it grows. Use it as a context manager: leaving it shows what is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, fold: EventFold) -> None:
        """Bring the screen level with the fold."""
        ...

    def notice(self, words: str) -> None:
        """A remark that is no part of the answer."""
        ...


def open_view(console: Console) -> AnswerView:
    """The view that fits where the output goes."""
    return LiveAnswerView(console) if console.is_terminal else PlainAnswerView()


class PlainAnswerView:
    """Writes the text as it comes, byte for byte; remarks go to standard error."""

    def __init__(self) -> None:
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and not self._shown.endswith("\n"):
            self._write("\n")

    def show(self, fold: EventFold) -> None:
        if not fold.text.startswith(self._shown):
            self._write("\n")
            self.notice(STARTS_OVER)
            self._shown = ""
        self._write(fold.text[len(self._shown) :])
        self._shown = fold.text

    def notice(self, words: str) -> None:
        sys.stderr.write(f"riverrun: {words}\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class LiveAnswerView:
    """Prints each markdown block for good once it is closed and redraws only the open one below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed = ""
        self._open = ""
        self._doing = "waiting for a worker"
        self._live = Live(console=console, refresh_per_second=12, transient=True, get_renderable=self._tail)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._open.strip():
            self._console.print(Markdown(self._open))

    def show(self, fold: EventFold) -> None:
        if not fold.text.startswith(self._printed):
            self.notice(STARTS_OVER)
            self._printed = ""
        self._doing = _doing(fold)
        fresh = fold.text[len(self._printed) :]
        closed, self._open = fresh[: (cut := closed_length(fresh))], fresh[cut:]
        if closed:
            self._printed += closed
            self._console.print(Markdown(closed), "")

    def notice(self, words: str) -> None:
        self._console.print(Text(f"· {words}", style="yellow"))

    def _tail(self) -> RenderableType:
        status = Spinner("dots", Text(self._doing, style="dim"))
        return Group(Markdown(self._open), status) if self._open.strip() else status


def _doing(fold: EventFold) -> str:
    """What goes on, in a few words."""
    if fold.text:
        return "answering"
    if not fold.tool_calls:
        return "thinking"
    call = fold.tool_calls[-1]
    return f"{call['name'].replace('_', ' ')} {_brief(call.get('arguments'))}".rstrip()


def _brief(arguments: object) -> str:
    words = ", ".join(map(str, arguments.values())) if isinstance(arguments, dict) else str(arguments or "")
    return words if len(words) <= 60 else f"{words[:59]}…"
