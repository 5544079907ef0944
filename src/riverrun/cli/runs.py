"""``riverrun runs``: what ran, and what one run said."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from riverrun.cli.client import RiverrunClient
from riverrun.cli.event_fold import RunEvent
from riverrun.cli.outcome import error_in_words
from riverrun.cli.run_follower import RunFollower
from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text

STATUS_STYLES = {
    "completed": "green",
    "error": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "queued": "dim",
}


@ends_in_words
def runs(
    run_id: Annotated[str | None, typer.Argument(help="Follow this run's events to its end.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of the latest runs to list.")] = 20,
) -> None:
    """List the latest runs, or follow one."""
    console = output()
    with open_client() as client:
        if run_id is None:
            _list_runs(console, client.runs(limit))
        else:
            _follow(console, client, run_id)


def _list_runs(console: Console, found: list[dict[str, Any]]) -> None:
    if not found:
        console.print("no runs yet; ask something: riverrun ask QUESTION")
        return
    console.print(_table(found))


def _table(found: list[dict[str, Any]]) -> Table:
    """One line a run; what it is about is cut where the terminal ends."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "kind", "status", "started", "what"):
        table.add_column(column, no_wrap=column != "what")
    for run in found:
        what = error_in_words(run["error"]) if run.get("error") else str(run.get("title") or "")
        started = str(run.get("started_at") or run["created_at"])[5:16].replace("T", " ")
        status = plain_text(run["status"], STATUS_STYLES.get(run["status"], ""))
        about = plain_text(" ".join(what.split()))
        about.no_wrap, about.overflow = True, "ellipsis"
        table.add_row(run["run_id"], run["kind"], status, started, about)
    return table


def _follow(console: Console, client: RiverrunClient, run_id: str) -> None:
    """One line an event; Ctrl-C leaves the run alone."""
    follower = RunFollower(
        client, run_id, on_lost=lambda reason: console.print(plain_text(f"· {reason}", "yellow"))
    )
    for event in follower.events():
        console.print(plain_text(f"{event.position:>8}  {event.type:<12}{_brief(event)}"), soft_wrap=True)


def _brief(event: RunEvent) -> str:
    fields = {name: value for name, value in event.data.items() if name not in ("seq", "attempt")}
    words = json.dumps(fields, ensure_ascii=False) if fields else ""
    return words if len(words) <= 160 else f"{words[:159]}…"
