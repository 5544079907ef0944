"""``riverrun ask``: a question, its answer as it streams, the lines it cites."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.rule import Rule

from riverrun.cli.citation_view import show_citations
from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import Interrupted
from riverrun.cli.event_fold import EventFold
from riverrun.cli.outcome import receipt_in_words, require_completed
from riverrun.cli.render import open_view
from riverrun.cli.repository_choice import choose_project
from riverrun.cli.run_follower import RunFollower
from riverrun.cli.terminal import ends_in_words, open_client, output


@ends_in_words
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know about the code.")],
    repo: Annotated[
        str | None,
        typer.Option(help="Name, path or URL of an indexed repository; default: the one around you."),
    ] = None,
) -> None:
    """Ask about an indexed repository. Ctrl-C stops the answer and keeps what came."""
    console = output()
    with open_client() as client:
        project = choose_project(client.projects(), repo, Path.cwd())
        conversation_id = client.start_conversation(project["id"])
        run_id = client.ask(conversation_id, question, idempotency_key=str(uuid4()))
        fold = _stream(client, run_id, console)
        if fold.citations:
            console.print(Rule("cited lines", style="dim"))
            show_citations(console, client, project["id"], fold.citations)
        require_completed(fold.end)


def _stream(client: RiverrunClient, run_id: str, console: Console) -> EventFold:
    with open_view(console) as view:
        follower = RunFollower(client, run_id, on_lost=lambda reason: view.notice(f"{reason}; reconnecting"))
        try:
            for _ in follower.events():
                view.show(follower.fold)
        except KeyboardInterrupt:
            raise Interrupted(receipt_in_words(client.stop(run_id))) from None
        return follower.fold
