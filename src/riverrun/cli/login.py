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
def login(
    url: Annotated[str, typer.Argument(help="The server's address, as the page has it.")],
    email: Annotated[str, typer.Option(prompt="E-mail", help="The account's address.")],
    password: Annotated[str, typer.Option(prompt="Password", hide_input=True, hidden=True)],
) -> None:
    """Sign in to a server by password. The other commands speak to it from then on, for thirty days."""
    base_url = url.rstrip("/")
    if not is_web_address(base_url):
        raise ClientError(f"{url} is no http or https address")
    folder = DataFolder(Settings().data_dir)
    if EmbeddedServers.find_running(folder.root):
        raise ClientError(
            f"riverrun up runs on {folder.root}, and the commands speak to that: choose another folder with RIVERRUN_DATA_DIR"
        )
    try:
        with RiverrunClient(ServerAddress(base_url, "")) as client:
            token = client.login(email, password)
    except ApiProblem as refused:
        raise ClientError(refused.words) from refused
    try:
        with folder.explained():
            folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.write_private(folder.root / CLIENT_FILE, json.dumps({"base_url": base_url, "token": token}))
    except EmbeddedError as error:
        raise ClientError(str(error)) from error
    output().print(f"signed in to {base_url}", soft_wrap=True)
