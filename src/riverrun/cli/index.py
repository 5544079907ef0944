"""``riverrun index``: read a repository into the index, with a progress bar."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import Interrupted
from riverrun.cli.outcome import require_completed
from riverrun.cli.progress_view import open_progress
from riverrun.cli.repository_choice import source_of
from riverrun.cli.run_follower import RunFollower
from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text


@ends_in_words
def index(
    path_or_url: Annotated[
        str, typer.Argument(help="A folder of the server's machine, an https URL, or owner/name.")
    ],
    branch: Annotated[str | None, typer.Option(help="The branch to read of a URL; default: its own.")] = None,
) -> None:
    """Index a repository, or bring its index up to date. Ctrl-C stops it; the next time goes on from there."""
    console = output()
    with open_client() as client:
        source = source_of(path_or_url, Path.cwd()) | ({"branch_name": branch} if branch else {})
        project = index_with_progress(client, source, console)
        console.print(plain_text(summary(project)), soft_wrap=True)


def index_with_progress(client: RiverrunClient, source: dict[str, str], console: Console) -> dict[str, Any]:
    """Start (or join) the indexing run of a source and show it to its end; the project as it then is.

    Raises ``RunFailed`` with the server's own words, ``Interrupted`` after Ctrl-C has stopped the run.
    """
    started = client.parse(source)
    run_id = str(started["run_id"])
    follower = RunFollower(client, run_id)
    with open_progress(console) as view:
        try:
            for _ in follower.events():
                view.show(follower.fold)
        except KeyboardInterrupt:
            client.stop(run_id)
            raise Interrupted(
                "stopped; what was read is kept, the next riverrun index goes on from there"
            ) from None
    require_completed(follower.fold.end)
    return client.project(started["project_id"])


def summary(project: dict[str, Any]) -> str:
    """One line about an indexed repository."""
    commit = f" at {project['commit_id'][:12]}" if project.get("commit_id") else ""
    return f"{project['repo_name']}{commit}: {project['files']:,} files, {project['symbols']:,} symbols"
