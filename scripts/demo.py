"""The whole promise in one go: index a repository, ask, cut the line in mid-answer, get exactly the rest.

``REPO`` (a folder or an https git URL; this repository by default) and ``QUESTION`` choose what happens. The last line
is ``demo: ok ...`` with exit code 0, or ``demo: failed ...`` with exit code 1.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.markup import escape

from riverrun.cli.citation_view import show_citations
from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import EventFold, sha256_of
from riverrun.cli.index import index_with_progress, summary
from riverrun.cli.outcome import require_completed
from riverrun.cli.render import AnswerView, open_view
from riverrun.cli.repository_choice import source_of
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack, StackError
from riverrun.infra.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("RIVERRUN_DEMO_DATA_DIR", ROOT / ".riverrun" / "demo"))
QUESTION = "How does the hub make sure that no event slips by between reading the log and going live?"
CUT_AFTER_CHARS = 600
"""A third of a usual answer; nobody knows beforehand how long one will be."""
CHUNK_DELAY_MS = "80"
"""Slows the built-in model to a real one's pace, so that there is a middle of the answer to cut."""
AWAY_SECONDS = 0.8


class DemoFailed(Exception):
    """One sentence: what did not hold."""


class OverBeforeTheCut(DemoFailed):
    """The answer was too short for the cut."""

    def __init__(self, chars: int) -> None:
        super().__init__(f"the answer was over before the line was cut, after {chars} characters")
        self.chars = chars


def main() -> int:
    """Run the demo; the exit code."""
    console = Console(highlight=False)
    try:
        verdict = run_demo(console)
    except KeyboardInterrupt:
        console.print("demo: failed interrupted")
        return 1
    except Exception as error:  # whatever it was, the person gets one line
        if isinstance(error, StackError) and error.log:
            console.print(error.log, markup=False, soft_wrap=True, style="dim")
        console.print(
            f"demo: failed {escape(' '.join(str(error).split()) or type(error).__name__)}", soft_wrap=True
        )
        return 1
    console.print(verdict, soft_wrap=True)
    return 0


def run_demo(console: Console) -> str:
    """All stations of the path; the verdict line."""
    started = time.monotonic()
    os.environ.setdefault("RIVERRUN_EXTRACTIVE_DELAY_MS", CHUNK_DELAY_MS)
    headline(console, "Starting Postgres, Valkey, the API and two workers")
    with Stack(Settings(data_dir=DATA_DIR, host="127.0.0.1", port=0, public_url=None)) as stack:
        console.print(f"up at {stack.base_url} after {time.monotonic() - started:.1f} s")
        with RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client:
            project = index(console, client)
            fold, resumed_at = ask_and_cut(console, client, project["id"])
            headline(console, "The cited lines, as they were indexed")
            show_citations(console, client, project["id"], fold.citations)
    seconds = time.monotonic() - started
    return (
        f"demo: ok answer_chars={len(fold.text)} citations={len(fold.citations)}"
        f" resumed_at={resumed_at} seconds={seconds:.1f}"
    )


def index(console: Console, client: RiverrunClient) -> dict[str, Any]:
    """Index what ``REPO`` names."""
    repository = os.environ.get("REPO") or str(ROOT)
    headline(console, f"Indexing {repository}")
    project = index_with_progress(client, source_of(repository, Path.cwd()), console)
    console.print(summary(project), soft_wrap=True)
    return project


def ask_and_cut(console: Console, client: RiverrunClient, project_id: str) -> tuple[EventFold, int]:
    """The whole answer, read in two pieces, and the seq after which the second began.

    An answer that was over before the cut tells how long it is: it is asked for once more and cut after a third.
    """
    question = os.environ.get("QUESTION") or QUESTION
    headline(console, question)
    try:
        return cut_and_resume(console, client, project_id, question, CUT_AFTER_CHARS)
    except OverBeforeTheCut as over:
        console.print(f"[yellow]· {over}; asking again[/]", soft_wrap=True)
        return cut_and_resume(console, client, project_id, question, over.chars // 3)


def cut_and_resume(
    console: Console, client: RiverrunClient, project_id: str, question: str, cut_after_chars: int
) -> tuple[EventFold, int]:
    """Ask, close the socket after so many characters, come back for exactly the rest, prove it."""
    run_id = client.ask(client.start_conversation(project_id), question, idempotency_key=str(uuid4()))
    fold = EventFold()
    with open_view(console) as view:
        read(client, run_id, fold, view, until=lambda: len(fold.text) > cut_after_chars)
        cut_at, chars_at_cut = fold.position, len(fold.text)
        require_running(client, run_id, fold)
        view.notice(f"socket closed by the demo after event {cut_at}; the run goes on without a reader")
        time.sleep(AWAY_SECONDS)
        view.notice(f"reconnecting with Last-Event-ID: {cut_at}")
        read(client, run_id, fold, view, until=lambda: False)
    require_completed(fold.end)
    if not fold.text_is_exact:
        raise DemoFailed("the joined text's SHA-256 is not the one in the end event")
    console.print(
        f"[green]✓[/] {len(fold.text)} characters in two pieces, cut after {chars_at_cut / len(fold.text):.0%};"
        f" SHA-256 {sha256_of(fold.text)[:16]}… is the one in the end event",
        soft_wrap=True,
    )
    return fold, int(cut_at.rpartition("-")[2])


def read(
    client: RiverrunClient, run_id: str, fold: EventFold, view: AnswerView, until: Callable[[], bool]
) -> None:
    """Read one connection into the fold; leaving early closes the socket. Nothing may come twice, nothing be missing."""
    with client.events(run_id, fold.position) as stream:
        for event in stream:
            if not fold.apply(event):
                raise DemoFailed(f"event {event.position} ({event.type}) does not continue {fold.position}")
            view.show(fold)
            if fold.end is not None or until():
                return
    raise DemoFailed(f"the stream ended without an end, after event {fold.position}")


def require_running(client: RiverrunClient, run_id: str, fold: EventFold) -> None:
    """The cut counts only when the answer was still being written."""
    if fold.end is not None or client.run(run_id)["status"] != "running":
        require_completed(fold.end or {"status": "completed"})
        raise OverBeforeTheCut(len(fold.text))


def headline(console: Console, words: str) -> None:
    """A station of the way."""
    console.print()
    console.rule(f"[bold]{escape(words)}[/]", align="left", style="dim")


if __name__ == "__main__":
    sys.exit(main())
