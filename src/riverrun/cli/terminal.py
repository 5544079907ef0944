"""The terminal the commands speak to, and the one way a command ends badly: a line of words, an exit code."""

import functools
import re
import sys
from collections.abc import Callable
from typing import Never, ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.text import Text

from riverrun.agents.text_repair import repair
from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import EXIT_FAILED, EXIT_INTERRUPTED, ClientError
from riverrun.cli.server_address import find_server
from riverrun.infra.schema_revision import MisfitTables
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.worker_readiness import UnknownQueue
from riverrun.kit.bidi import BIDI_IN_PROSE

P = ParamSpec("P")
R = TypeVar("R")

FIELD = re.compile(r'field "(\w+)"')
"""What pydantic-settings says of a setting that it could not read."""

LINE_BREAK = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def open_client() -> RiverrunClient:
    """A client for the server that the environment or ``riverrun up`` names. Raises ``NotSetUp``."""
    return RiverrunClient(find_server(Settings().data_dir))


def output() -> Console:
    """Standard output, made anew for each command so that it sees the terminal of the moment."""
    return Console(highlight=False)


def plain_text(value: str, style: str = "") -> Text:
    """What somebody typed, in one line, without what a terminal obeys: neither markup, escapes nor reversed writing."""
    return Text(_harmless(value), style=style)


def fail(words: str, exit_code: int = EXIT_FAILED) -> Never:
    """One line on standard error, then the end."""
    line = Text.assemble(("riverrun:", "bold red"), " ", " ".join(_harmless(words).split()))
    Console(stderr=True, highlight=False).print(line, soft_wrap=True)
    raise typer.Exit(exit_code)


def ends_in_words(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a command may raise into one line and an exit code; only a bug of ours shows a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ClientError as error:
            fail(str(error), error.exit_code)
        except (MissingSetting, MisfitTables, UnknownQueue) as error:
            fail(str(error))
        except SettingsError as error:
            fail(_unreadable_in_words(error))
        except ValidationError as error:
            fail(
                "; ".join(
                    _invalid_in_words(one["loc"], one["msg"].removeprefix("Value error, "))
                    for one in error.errors()
                )
            )
        except KeyboardInterrupt:
            fail("interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            raise typer.Exit(EXIT_FAILED) from None

    return run


def _unreadable_in_words(error: SettingsError) -> str:
    """Neither text quotes the value, in which there may be secrets."""
    if field := FIELD.search(str(error)):
        return (
            f"RIVERRUN_{field[1].upper()} is not valid JSON ({error.__cause__}): correct it, or leave it out"
        )
    return str(error)


def _invalid_in_words(place: tuple[int | str, ...], words: str) -> str:
    """The variable, and where in its JSON; pydantic's names of its own validators, in brackets, help nobody."""
    variable = f"RIVERRUN_{place[0]}".upper() if place else ""
    inside = ".".join(part for part in map(str, place[1:]) if "[" not in part)
    return ": ".join(filter(None, (variable, inside, words)))


def _harmless(words: str) -> str:
    return repair(LINE_BREAK.sub(" ", BIDI_IN_PROSE.sub("", words)))
