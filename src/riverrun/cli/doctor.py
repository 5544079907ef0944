"""``riverrun doctor``: what is wrong here, in words, and what to do about it."""

from typing import Annotated

import typer
from rich.text import Text

from riverrun.cli.checks import Finding, Verdict, examine
from riverrun.cli.client_errors import EXIT_FAILED
from riverrun.cli.terminal import ends_in_words, output
from riverrun.infra.settings import Settings

STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.TO_DO: "bold red"}


@ends_in_words
def doctor(
    online: Annotated[bool, typer.Option(help="Also ask the model's server whether it answers.")] = False,
) -> None:
    """Check this machine, the servers and the model, and say what to do where something is wrong."""
    console = output()
    to_do = 0
    for finding in examine(Settings(), online=online):
        console.print(line(finding), soft_wrap=True)
        to_do += finding.verdict is Verdict.TO_DO
    if to_do:
        console.print(f"{to_do} thing{'s' * (to_do > 1)} to do.")
        raise typer.Exit(EXIT_FAILED)
    console.print("Nothing is wrong.")


def line(finding: Finding) -> Text:
    """Aligned for reading, one finding a line so that it can be searched."""
    return Text.assemble(
        (f"{finding.verdict.value:6}", STYLES[finding.verdict]), f"{finding.subject:18}", finding.words
    )
