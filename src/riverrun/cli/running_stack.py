"""What a command learns from the stack that runs on the data folder."""

from pathlib import Path
from urllib.parse import urlsplit

from riverrun.cli.client_errors import NotSetUp
from riverrun.cli.server_address import CLIENT_FILE, read_client_file
from riverrun.embedded import EmbeddedServers
from riverrun.infra.settings import Settings


def with_running_servers(settings: Settings) -> tuple[Settings, bool]:
    """Settings that name the embedded servers if a stack runs on the data folder, and whether one does.

    A server that the operator names is never exchanged for an embedded one.
    """
    if settings.database_url or settings.redis_url:
        return settings, bool(settings.database_url and settings.redis_url)
    servers = EmbeddedServers.find_running(settings.data_dir)
    if servers is None:
        return settings, False
    urls = {"database_url": servers.database_url, "redis_url": servers.redis_url}
    return settings.model_copy(update=urls | listening_address(settings.data_dir)), True


def listening_address(data_dir: Path) -> dict[str, str | int]:
    """``host`` and ``port`` of the stack on the data folder: ``up --port`` may differ from the settings."""
    try:
        written = urlsplit(read_client_file(data_dir / CLIENT_FILE).get("base_url", ""))
    except NotSetUp:
        return {}
    return {"host": written.hostname, "port": written.port} if written.hostname and written.port else {}
