"""``riverrun keys``: API keys for programs, made, listed and revoked."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from riverrun.cli.app import PLAIN
from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text

ID_CHARS = 36
"""An id is shown whole, however narrow the terminal is: `revoke` needs it."""

keys = typer.Typer(
    help="Make, list and revoke the API keys with which programs come in at /api/v2.",
    no_args_is_help=True,
    **PLAIN,
)


@keys.command("create")
@ends_in_words
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write or administer; read and write unless named; may be given again."),
    ] = None,
) -> None:
    """Make a key and print it, this once."""
    with open_client() as client:
        made = client.create_key(name, scope or ["read", "write"])
    Console(stderr=True, highlight=False).print("Keep it: it is not shown again.", style="dim")
    output().print(made["key"], markup=False, soft_wrap=True)


@keys.command("list")
@ends_in_words
def list_keys() -> None:
    """List the keys that are not revoked, the oldest first."""
    with open_client() as client:
        found = client.keys()
    console = output()
    if found:
        console.print(_table(found))
    else:
        console.print("no keys yet; make one: riverrun keys create NAME")


@keys.command("revoke")
@ends_in_words
def revoke_key(key_id: Annotated[str, typer.Argument(help="The id that `list` shows.")]) -> None:
    """Revoke a key: the next request with it is refused."""
    with open_client() as client:
        client.revoke_key(key_id)
    output().print("revoked")


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, min_width=ID_CHARS)
    for column in ("name", "begins", "scopes", "made", "last used"):
        table.add_column(column, overflow="fold")
    for key in found:
        used = _minute(key["last_used_at"]) if key["last_used_at"] else "never"
        scopes = ",".join(key["scopes"])
        table.add_row(key["id"], plain_text(key["name"]), key["hint"], scopes, key["created_at"][:10], used)
    return table


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
