"""``python -m tests.authz`` (``make authz``): the authorisation matrix against the real application."""

import asyncio
import logging
import sys

from tests.authz.proof import prove
from tests.authz.site import settings_without_rates
from tests.proofs.own_servers import own_servers


def main() -> int:
    logging.disable(logging.WARNING)
    with own_servers(settings_without_rates) as (settings, engine):
        report = asyncio.run(prove(settings, engine))
    for fault in report.faults:
        print(fault)
    breaches = ", ".join(f"{count} {breach}" for breach, count in report.breaches.items())
    print(f"scopes: {breaches}; unnoticed: {len(report.unnoticed)}")
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
