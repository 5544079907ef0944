"""Real Postgres and Valkey servers out of wheels: found, started, kept healthy, stopped, never orphaned.

Standard library only: nothing here talks to the servers by a driver.
"""

from riverrun.embedded.embedded_servers import EmbeddedServers
from riverrun.embedded.errors import EmbeddedError

__all__ = ["EmbeddedError", "EmbeddedServers"]
