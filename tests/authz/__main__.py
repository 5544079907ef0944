"""``python -m tests.authz`` (``make authz``): the authorisation matrix against the real application."""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.authz.proof import prove
from tests.authz.site import settings_without_rates

from riverrun.embedded import EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.migrations import upgrade


def main() -> int:
    logging.disable(logging.WARNING)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServers.start(Path(folder), durable=False) as servers,
    ):
        upgrade(servers.database_url)
        engine = open_engine(servers.database_url)
        settings = settings_without_rates(servers.database_url, servers.redis_url)
        report = asyncio.run(prove(settings, engine))
        engine.dispose()
    for fault in report.faults:
        print(fault)
    breaches = ", ".join(f"{count} {breach}" for breach, count in report.breaches.items())
    print(f"scopes: {breaches}; unnoticed: {len(report.unnoticed)}")
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
