"""``riverrun usage``: what was asked and what is left; for administrators also everybody's, and the limits."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from riverrun.cli.app import PLAIN
from riverrun.cli.client_errors import ClientError
from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text

NUMBERS = ("questions_per_day", "questions_per_month", "tokens_per_day", "tokens_per_month")


class Kind(StrEnum):
    """Whose a limit is."""

    USER = "user"
    KEY = "key"
    ORGANISATION = "organisation"


Holder = Annotated[str, typer.Argument(help="A user's e-mail address, or an id.")]
HolderKind = Annotated[Kind, typer.Option("--kind", help="Whose limit it is.")]
Most = Annotated[int | None, typer.Option(min=0, help="Wins over the plan's.")]

usage = typer.Typer(
    help="Show what you have asked this month and what is left; set limits.",
    invoke_without_command=True,
    **PLAIN,
)


@usage.callback()
@ends_in_words
def show_usage(context: typer.Context) -> None:
    """Show what you have asked this month, and what is left of your limits."""
    if context.invoked_subcommand is not None:
        return
    with open_client() as client:
        found = client.usage()
    console = output()
    console.print(
        f"{found['questions']:,} questions and {found['tokens']:,} tokens since {found['start_date']}"
    )
    if found["limits"]:
        console.print(_rest_table(found["limits"]))
    else:
        console.print("no limits")


@usage.command("users")
@ends_in_words
def list_users() -> None:
    """List what each account has asked this month, the most first."""
    with open_client() as client:
        found = client.usage_by_user()
    table = _table("user", "questions", "tokens")
    for row in found:
        table.add_row(plain_text(row["email"]), f"{row['questions']:,}", f"{row['tokens']:,}")
    output().print(table if found else "nobody has asked anything this month")


@usage.command("limits")
@ends_in_words
def list_limits() -> None:
    """List the limits that were laid down."""
    with open_client() as client:
        found = client.usage_limits()
    table = _table("kind", "holder", "plan", *(name.replace("_", " ") for name in NUMBERS))
    for row in found:
        numbers = ("" if row[name] is None else f"{row[name]:,}" for name in NUMBERS)
        table.add_row(
            row["holder"],
            plain_text(row["name"] or row["holder_id"]),
            plain_text(row["plan"] or ""),
            *numbers,
        )
    output().print(table if found else "no limits were laid down; the plans hold for everybody")


@usage.command("limit")
@ends_in_words
def set_limit(
    holder: Holder,
    kind: HolderKind = Kind.USER,
    plan: Annotated[str | None, typer.Option(help="A plan of RIVERRUN_PLANS.")] = None,
    questions_per_day: Most = None,
    questions_per_month: Most = None,
    tokens_per_day: Most = None,
    tokens_per_month: Most = None,
) -> None:
    """Lay down what somebody may ask, in place of their earlier limit."""
    numbers = (questions_per_day, questions_per_month, tokens_per_day, tokens_per_month)
    limit: dict[str, Any] = {"plan": plan, **dict(zip(NUMBERS, numbers, strict=True))}
    if all(value is None for value in limit.values()):
        raise ClientError("say a plan or a number; `riverrun usage unlimit` takes a limit back")
    with open_client() as client:
        client.limit_usage(kind, holder, limit)
    output().print("it holds from the next question on")


@usage.command("unlimit")
@ends_in_words
def remove_limit(holder: Holder, kind: HolderKind = Kind.USER) -> None:
    """Take a limit back: the default plan holds again."""
    with open_client() as client:
        client.unlimit_usage(kind, holder)
    output().print("taken back")


def _rest_table(limits: list[dict[str, Any]]) -> Table:
    table = _table("limit", "used", "of", "left", "new ones")
    for one in limits:
        name = f"{one['measure']} a {one['period']}" + (
            "" if one["holder"] == "user" else f" ({one['holder']})"
        )
        numbers = (f"{one[column]:,}" for column in ("used", "limit", "rest"))
        table.add_row(name, *numbers, one["resets_at"][:16].replace("T", " "))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
