"""How often the rare paths were really taken: read out of the processes' logs."""

import re
from collections import Counter
from pathlib import Path

PATHS = ("gap", "overflow", "watchdog", "hole", "reset", "fence", "redelivery", "poison")
SAID = re.compile(rb"rare path (\w+): run")


class LogReader:
    """What all logs of a folder have said since this was made, or since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = {path: path.stat().st_size for path in folder.glob("*.log")}

    def new_text(self) -> bytes:
        """All that is new; a line that is just being written may be cut."""
        said = b""
        for path in sorted(self._folder.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._offsets.get(path, 0))
                new = log.read()
            self._offsets[path] = self._offsets.get(path, 0) + len(new)
            said += new
        return said


def count_rare_paths(said: bytes) -> Counter[str]:
    """How often each path was taken."""
    return Counter(name.decode() for name in SAID.findall(said))
