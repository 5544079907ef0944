"""``riverrun`` and ``python -m riverrun``: the commands, and the two processes they start."""

from typing import Annotated

import typer

from riverrun.cli.app import app
from riverrun.cli.terminal import ends_in_words
from riverrun.infra.settings import Settings


@app.command()
@ends_in_words
def api(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Where it listens.")] = None,
    host: Annotated[str | None, typer.Option(help="The address it listens on.")] = None,
) -> None:
    """Serve HTTP only; the servers' addresses come from the environment."""
    from riverrun.main import serve

    given = {name: value for name, value in {"port": port, "host": host}.items() if value is not None}
    serve(Settings(**given))


@app.command()
@ends_in_words
def worker(
    queues: Annotated[str, typer.Option(help="What it works on, by commas.")] = "chats,indexing",
    supervised: Annotated[
        bool, typer.Option(help="One process for all of them, which somebody else starts again.")
    ] = False,
) -> None:
    """Work on runs only, a process a queue; the servers' addresses come from the environment."""
    chosen = [queue.strip() for queue in queues.split(",") if queue.strip()]
    if supervised:
        from riverrun.worker import run_worker

        run_worker(chosen, Settings())
    else:
        from riverrun.cli.worker_host import host_workers

        host_workers(chosen, Settings())


def main() -> None:
    """The console script's entry."""
    app()


if __name__ == "__main__":
    main()
