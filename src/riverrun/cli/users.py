"""``riverrun users``: accounts, looked after on the server's own machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from riverrun.auth.account_administration import AccountAdministration, LastAdministrator
from riverrun.auth.page_links import Errand, link_to
from riverrun.cli.app import PLAIN
from riverrun.cli.client_errors import ClientError
from riverrun.cli.listen_address import local_url
from riverrun.cli.running_stack import with_running_servers
from riverrun.cli.terminal import ends_in_words, output, plain_text
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings
from riverrun.kit.email_address import EmailAddress
from riverrun.users.errors import EmailTaken
from riverrun.users.models import User

users = typer.Typer(
    help="List, add, invite, disable and help people who have an account here.", no_args_is_help=True, **PLAIN
)

Email = Annotated[str, typer.Argument(help="The e-mail address of the account.")]
"""Of an account that there is: an earlier release took anything."""


def address(given: str) -> str:
    """An e-mail address in its normal form. Raises ``ClientError``."""
    try:
        return TypeAdapter(EmailAddress).validate_python(given)
    except ValidationError as error:
        raise ClientError(f"{given[:80]!r} is not an e-mail address") from error


@users.command("list")
@ends_in_words
def list_users() -> None:
    """List all accounts, the oldest first."""
    with _accounts(Settings()) as (accounts, _):
        output().print(_table(accounts.list()))


@users.command("add")
@ends_in_words
def add_user(
    email: Email,
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Let them run the server.")] = False,
) -> None:
    """Make an account, and print a link that sets its password, for you to hand on."""
    with _accounts(Settings()) as (accounts, base_url):
        token = accounts.add(address(email), name, is_administrator=admin)
    _show_link(base_url, Errand.PASSWORD_RESET, token, "It sets the password, once, within twelve hours.")


@users.command("invite")
@ends_in_words
def invite_user(email: Email) -> None:
    """Print a link by which somebody makes an account for this address themselves."""
    settings = Settings()
    if settings.sign_up == "closed":
        raise ClientError("RIVERRUN_SIGN_UP is closed: make the account yourself, with riverrun users add")
    with _accounts(settings) as (accounts, base_url):
        token = accounts.invite(address(email))
    _show_link(base_url, Errand.INVITATION, token, "It works once, within a week, and for this address.")


@users.command("disable")
@ends_in_words
def disable_user(email: Email) -> None:
    """Close an account: no door lets it in, and its open streams end. Nothing is deleted."""
    with _accounts(Settings()) as (accounts, _):
        accounts.disable(email)
    output().print("disabled")


@users.command("enable")
@ends_in_words
def enable_user(email: Email) -> None:
    """Open a closed account again."""
    with _accounts(Settings()) as (accounts, _):
        accounts.enable(email)
    output().print("enabled")


@users.command("verify")
@ends_in_words
def verify_user(email: Email) -> None:
    """Vouch for an address, where no mail server is set that could prove it."""
    with _accounts(Settings()) as (accounts, _):
        accounts.verify(email)
    output().print("verified")


@users.command("reset-link")
@ends_in_words
def print_reset_link(email: Email) -> None:
    """Print a link that sets the account's password, for you to hand on."""
    with _accounts(Settings()) as (accounts, base_url):
        token = accounts.offer_password_reset(email)
    _show_link(base_url, Errand.PASSWORD_RESET, token, "It sets the password, once, within twelve hours.")


@users.command("make-admin")
@ends_in_words
def make_administrator(email: Email) -> None:
    """Let somebody run the server: accounts, limits, the monitor. They see no more of others' work than before."""
    with _accounts(Settings()) as (accounts, _):
        accounts.make_administrator(email)
    output().print("is an administrator now")


@contextmanager
def _accounts(given: Settings) -> Iterator[tuple[AccountAdministration, str]]:
    """The accounts, and the address that links name; committed when the block ends well.

    The embedded servers are started for this where none runs.
    """
    try:
        settings, _ = with_running_servers(given)
        base_url = settings.public_url or local_url(settings.host, settings.port)
        if settings.database_url:
            with _transaction(settings.database_url) as session:
                yield AccountAdministration(session), base_url
        else:
            with (
                EmbeddedServers.start(settings.data_dir) as servers,
                _transaction(servers.database_url) as session,
            ):
                yield AccountAdministration(session), base_url
    except (LookupError, EmailTaken, LastAdministrator) as error:
        raise ClientError(str(error)) from error
    except (EmbeddedError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise ClientError(
            f"nothing was done ({reason}): is the database migrated? See riverrun doctor"
        ) from error


@contextmanager
def _transaction(database_url: str) -> Iterator[Session]:
    engine = open_engine(database_url, pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            yield session
    finally:
        engine.dispose()


def _show_link(base_url: str, errand: Errand, token: str, note: str) -> None:
    Console(stderr=True, highlight=False).print(note, style="dim")
    output().print(link_to(base_url, errand, token), markup=False, soft_wrap=True)


def _table(found: Sequence[User]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("e-mail", overflow="fold")
    for column in ("name", "is", "made", "last here"):
        table.add_column(column, overflow="fold")
    for user in found:
        table.add_row(
            plain_text(user.email),
            plain_text(user.display_name),
            _standing(user),
            _day(user.created_at),
            _day(user.last_login_at),
        )
    return table


def _standing(user: User) -> str:
    if user.disabled_at is not None:
        return "disabled"
    words = ["administrator"] if user.is_administrator else []
    if user.email_verified_at is None:
        words.append("not verified")
    return ", ".join(words)


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else "never"
