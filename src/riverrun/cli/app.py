"""The commands of ``riverrun``, in the order in which help lists them."""

import typer

from riverrun.cli.ask import ask
from riverrun.cli.doctor import doctor
from riverrun.cli.index import index
from riverrun.cli.migrate import migrate
from riverrun.cli.runs import runs
from riverrun.cli.up import up

app = typer.Typer(
    name="riverrun",
    help="AI agents that answer questions about your code and never lose an answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (up, index, ask, runs, doctor, migrate):
    app.command()(command)
