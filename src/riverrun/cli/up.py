"""``riverrun up``: the whole stack in the foreground."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from riverrun.auth.sign_in import AdministratorDisabled
from riverrun.cli.interrupts import ended_by_signals
from riverrun.cli.stack import Stack, StackError
from riverrun.cli.terminal import ends_in_words, output
from riverrun.infra.settings import Settings


@ends_in_words
def up(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where the server listens; 0 takes a free port.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address it listens on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the data lives.")] = None,
) -> None:
    """Run Riverrun here and print a link that signs you in. Ctrl-C ends every process."""
    console = output()
    stack = Stack(
        settings_with(port=port, host=host, data_dir=data_dir),
        say=lambda line: console.print(line, markup=False, soft_wrap=True),
    )
    with ended_by_signals(stack.kill):
        try:
            run(stack, console)
        except StackError as error:
            if error.log:
                console.print(error.log, markup=False, soft_wrap=True, style="dim")
            raise


def settings_with(**options: Any) -> Settings:
    """The settings, with those options in their place that are given, read as the variables are."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


def how_to_sign_in(stack: Stack) -> str:
    """A link that works once, or why there is none."""
    try:
        return f"Sign in once with:\n\n  {stack.sign_in_link()}"
    except AdministratorDisabled as disabled:
        return f"It is at {stack.settings.public_url or stack.base_url}. {disabled}"


def run(stack: Stack, console: Console) -> None:
    """Start, say where, and stay until a signal comes."""
    try:
        with console.status("starting"):
            stack.__enter__()
        console.print(
            f"Riverrun is up after {stack.start_seconds:.1f} s. {how_to_sign_in(stack)}\n", soft_wrap=True
        )
        console.print("Ctrl-C ends it.")
        threading.Event().wait()
    except (KeyboardInterrupt, OSError) as ended:
        if not _was_asked_to_end(ended):
            raise
        try:
            console.print("stopping; Ctrl-C again kills")
        except OSError:
            _give_up(console)
    finally:
        stack.stop()


def _give_up(console: Console) -> None:
    """A closed terminal takes no words. Those that are still to be written, at the end of Python too, go nowhere."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), console.file.fileno())


def _was_asked_to_end(error: BaseException | None) -> bool:
    """Also where a closed terminal then refused the words of what was interrupted."""
    return error is not None and (
        isinstance(error, KeyboardInterrupt) or _was_asked_to_end(error.__context__)
    )
