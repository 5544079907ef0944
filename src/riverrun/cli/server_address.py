"""Where the server is, and the token to speak to it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from riverrun.cli.client_errors import NotSetUp

CLIENT_FILE = "client.json"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """``base_url`` without a trailing slash, and a bearer token."""

    base_url: str
    token: str


def find_server(data_dir: Path) -> ServerAddress:
    """``RIVERRUN_URL`` and ``RIVERRUN_TOKEN``, or else what ``riverrun up`` wrote. Raises ``NotSetUp``.

    The written token goes to the written address only: another server must not learn it.
    """
    base_url = os.environ.get("RIVERRUN_URL", "").rstrip("/")
    token = os.environ.get("RIVERRUN_TOKEN", "")
    if not (base_url and token):
        written = read_client_file(data_dir / CLIENT_FILE)
        base_url = base_url or written.get("base_url", "").rstrip("/")
        token = token or (
            written.get("token", "") if base_url == written.get("base_url", "").rstrip("/") else ""
        )
    if not base_url:
        raise NotSetUp(
            "no Riverrun server is running here; start one with: riverrun up, or sign in to another with: riverrun login URL"
        )
    if not base_url.startswith(("http://", "https://")):
        raise NotSetUp(f"RIVERRUN_URL must begin with http:// or https://, not {base_url!r}")
    if not token:
        raise NotSetUp(f"there is no token for {base_url}; get one with: riverrun login {base_url}")
    return ServerAddress(base_url, token)


def read_client_file(path: Path) -> dict[str, str]:
    """``base_url`` and ``token`` as ``riverrun up`` wrote them; empty when it never did. Raises ``NotSetUp``."""
    try:
        written = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotSetUp(
            f"{path} cannot be read ({error}); start the server again with: riverrun up"
        ) from error
    return written if isinstance(written, dict) else {}
