"""``riverrun orgs``: organisations, and who is in them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from riverrun.cli.app import PLAIN
from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ClientError
from riverrun.cli.terminal import ends_in_words, open_client, output, plain_text

orgs = typer.Typer(
    help="Make organisations, and add and remove their members.",
    no_args_is_help=True,
    **PLAIN,
)

Organisation = Annotated[str, typer.Argument(help="Its name, or its id where several have the name.")]
Email = Annotated[str, typer.Argument(help="The e-mail address of the account.")]


@orgs.command("list")
@ends_in_words
def list_organisations() -> None:
    """List the organisations that you are in, with their members."""
    with open_client() as client:
        found = [(one, client.members(one["id"])) for one in client.organisations()]
    console = output()
    if found:
        console.print(_table(found))
    else:
        console.print("no organisations yet; make one: riverrun orgs create NAME")


@orgs.command("create")
@ends_in_words
def create_organisation(name: Annotated[str, typer.Argument(help="What it is called.")]) -> None:
    """Make an organisation that you own, and print its id."""
    with open_client() as client:
        output().print(client.create_organisation(name)["id"])


@orgs.command("add")
@ends_in_words
def add_member(
    organisation: Organisation,
    email: Email,
    role: Annotated[str, typer.Option(help="owner, admin or member.")] = "member",
) -> None:
    """Let somebody into an organisation, or invite them."""
    with open_client() as client:
        added = client.add_member(organisation_id(client, organisation), email, role)
    output().print("invited" if added["is_invited"] else "added")


@orgs.command("remove")
@ends_in_words
def remove_member(organisation: Organisation, email: Email) -> None:
    """Take somebody out of an organisation."""
    with open_client() as client:
        id_ = organisation_id(client, organisation)
        who = [one["user_id"] for one in client.members(id_) if one["email"] == email.strip().lower()]
        if not who:
            raise ClientError(f"{email} is no member of {organisation}")
        client.remove_member(id_, who[0])
    output().print("removed")


@orgs.command("invitations")
@ends_in_words
def list_invitations(organisation: Organisation) -> None:
    """List who is invited into an organisation and still to come."""
    with open_client() as client:
        waiting = client.waiting_invitations(organisation_id(client, organisation))
    console = output()
    for one in waiting:
        console.print(plain_text(f"{one['email']} ({one['role']}), until {one['expires_at'][:10]}"))
    if not waiting:
        console.print("nobody who was invited is still to come")


@orgs.command("withdraw")
@ends_in_words
def withdraw_invitations(organisation: Organisation, email: Email) -> None:
    """Take back what somebody was invited by."""
    with open_client() as client:
        id_ = organisation_id(client, organisation)
        waiting = client.waiting_invitations(id_)
        theirs = [one["id"] for one in waiting if one["email"] == email.strip().lower()]
        if not theirs:
            raise ClientError(f"{email} has no invitation to {organisation} that waits")
        for invitation_id in theirs:
            client.withdraw_invitation(id_, invitation_id)
    output().print("withdrawn")


def organisation_id(client: RiverrunClient, words: str) -> str:
    """The id of the account's organisation of this name or id."""
    mine = client.organisations()
    named = [one["id"] for one in mine if one["id"] == words] or [
        one["id"] for one in mine if one["name"].casefold() == words.casefold()
    ]
    if len(named) == 1:
        return str(named[0])
    raise ClientError(
        f"several of your organisations are called {words}: say which by its id (riverrun orgs list)"
        if named
        else f"you are in no organisation called {words}"
    )


def _table(found: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, min_width=36)
    for column in ("name", "you are", "members"):
        table.add_column(column, overflow="fold")
    for organisation, members in found:
        people = ", ".join(f"{one['email']} ({one['role']})" for one in members)
        table.add_row(
            organisation["id"], plain_text(organisation["name"]), organisation["role"], plain_text(people)
        )
    return table
