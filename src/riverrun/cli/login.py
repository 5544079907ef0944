"""``riverrun login``: let the commands speak to a server that somebody else runs."""

import json
from typing import Annotated

import typer

from riverrun.cli.client import RiverrunClient
from riverrun.cli.client_errors import ApiProblem, ClientError
from riverrun.cli.server_address import CLIENT_FILE, ServerAddress
from riverrun.cli.terminal import ends_in_words, output
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.embedded.data_folder import DataFolder
from riverrun.infra.settings import Settings
from riverrun.infra.web_address import is_web_address


@ends_in_words
def server_url(given: str) -> str:
    """Without a trailing slash; refused before anything else is asked for."""
    base_url = given.rstrip("/")
    if not is_web_address(base_url):
        raise ClientError(f"{given} is no http or https address")
    return base_url


@ends_in_words
def login(
    base_url: Annotated[
        str,
        typer.Argument(metavar="URL", callback=server_url, help="The server's address, as the page has it."),
    ],
    email: Annotated[str, typer.Option(prompt="E-mail", help="The account's address.")],
    password: Annotated[str, typer.Option(prompt="Password", hide_input=True, hidden=True)],
) -> None:
    """Sign in to a server by password. The other commands speak to it from then on, for thirty days."""
    folder = DataFolder(Settings().data_dir)
    try:
        if EmbeddedServers.find_running(folder.root):
            raise ClientError(
                f"riverrun up runs on {folder.root}, and the commands speak to that: choose another folder with RIVERRUN_DATA_DIR"
            )
        with RiverrunClient(ServerAddress(base_url, "")) as client:
            token = client.login(email, password)
        with folder.explained():
            folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.write_private(folder.root / CLIENT_FILE, json.dumps({"base_url": base_url, "token": token}))
    except ApiProblem as refused:
        raise ClientError(refused.words) from refused
    except EmbeddedError as error:
        raise ClientError(str(error)) from error
    output().print(f"signed in to {base_url}", soft_wrap=True)
