"""Bringing an embedded server back that a test has killed."""

from typing import Literal

from riverrun.embedded import EmbeddedServers
from riverrun.embedded.embedded_servers import bring_up


def restart(servers: EmbeddedServers, name: Literal["postgres", "valkey"]) -> int:
    """Start a killed server again on its data, as its owner would; the port it has now."""
    owned = servers._owned
    assert owned is not None
    server = owned.postgres if name == "postgres" else owned.valkey
    server.stop()
    server.start()
    bring_up(server)
    return server.port
