"""What every reader saw under every id: no id may ever have two payloads, whoever reads it, whenever, wherever."""

import threading

from tests.chaos.answer_fold import Objection


class PayloadLedger:
    """Shared by all readers of a schedule."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payloads: dict[tuple[str, str], tuple[str, bytes]] = {}

    def enter(self, run_id: str, event_id: str, event_type: str, data: bytes) -> None:
        """Raises ``Objection`` when somebody saw something else under this id."""
        with self._lock:
            known = self._payloads.setdefault((run_id, event_id), (event_type, data))
        if known != (event_type, data):
            raise Objection("I3", f"{event_id} of run {run_id} is {known!r} and {(event_type, data)!r}")
