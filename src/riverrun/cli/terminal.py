"""The terminal the commands speak to, and the one way a command ends badly: a line of words, an exit code."""

import functools
import sys
from collections.abc import Callable
from typing import Never, ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import EXIT_FAILED, EXIT_INTERRUPTED, ClientError
from riverrun.cli.server_address import find_server
from riverrun.infra.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


def open_client() -> RiverrunClient:
    """A client for the server that the environment or ``riverrun up`` names. Raises ``NotSetUp``."""
    return RiverrunClient(find_server(Settings().data_dir))


def output() -> Console:
    """Standard output, made anew for each command so that it sees the terminal of the moment."""
    return Console(highlight=False)


def fail(words: str, exit_code: int = EXIT_FAILED) -> Never:
    """One line on standard error, then the end."""
    Console(stderr=True, highlight=False).print(f"[bold red]riverrun:[/] {_one_line(words)}", soft_wrap=True)
    raise typer.Exit(exit_code)


def ends_in_words(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a command may raise into one line and an exit code; only a bug of ours shows a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ClientError as error:
            fail(str(error), error.exit_code)
        except ValidationError as error:
            fail(
                "; ".join(
                    f"RIVERRUN_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
                )
            )
        except KeyboardInterrupt:
            fail("interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            raise typer.Exit(EXIT_FAILED) from None

    return run


def _one_line(words: str) -> str:
    return " ".join(words.split()).replace("[", "\\[")
