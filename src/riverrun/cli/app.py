"""The commands of ``riverrun``, each loaded when it is called: a process that only serves loads none of the others."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "up": "riverrun.cli.up",
    "link": "riverrun.cli.link",
    "login": "riverrun.cli.login",
    "index": "riverrun.cli.index",
    "ask": "riverrun.cli.ask",
    "runs": "riverrun.cli.runs",
    "keys": "riverrun.cli.keys",
    "users": "riverrun.cli.users",
    "orgs": "riverrun.cli.orgs",
    "usage": "riverrun.cli.usage_commands",
    "secrets": "riverrun.cli.secrets",
    "loop": "riverrun.cli.loop",
    "doctor": "riverrun.cli.doctor",
    "migrate": "riverrun.cli.migrate",
}
"""Each command, in the order of help, and the module that has a function, or a group of commands, of that name."""

PLAIN: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False}


class LoadedWhenCalled(TyperGroup):
    """A group that knows its commands by name, and imports one when it is asked for.

    Typed loosely: Typer's copy of click, whose types these are, is private.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Those of the table, then those registered by hand."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; none when there is no such."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        found = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_command(found)
            group.name = cmd_name  # Help shows a group by its own name.
            return group
        single = typer.Typer(**PLAIN)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=LoadedWhenCalled,
    name="riverrun",
    help="AI agents that answer questions about your code and never lose an answer.",
    no_args_is_help=True,
    **PLAIN,
)


def show_version(wanted: bool) -> None:
    """Say which release this is, and end."""
    if wanted:
        typer.echo(f"riverrun {version('riverrun')}")
        raise typer.Exit


@app.callback()
def options_before_a_command(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version,
            is_eager=True,
            metavar="",
            help="Say which release this is, and end.",
        ),
    ] = False,
) -> None:
    """What may stand before a command."""
