"""A process that owns servers until it is killed: ``python owner_program.py DATA_DIR``. Prints one line of JSON."""

import json
import os
import signal
import sys
from pathlib import Path

from riverrun.embedded import EmbeddedServers

servers = EmbeddedServers.start(Path(sys.argv[1]), durable=False)
print(
    json.dumps(
        {
            "pid": os.getpid(),
            "pids": servers.pids,
            "database_url": servers.database_url,
            "redis_url": servers.redis_url,
        }
    ),
    flush=True,
)
signal.pause()
