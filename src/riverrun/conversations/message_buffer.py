"""What runs have said and no message holds yet: in memory only, one snapshot a run."""

from uuid import UUID

from riverrun.streaming.snapshot import Snapshot


class MessageBuffer:
    """Gathers the pieces of answers until they are stored. Belongs to one transaction, and goes with it."""

    def __init__(self) -> None:
        self._answers: dict[UUID, Snapshot] = {}

    def add(self, run_id: UUID, chunk: Snapshot) -> None:
        """Append a piece to what the run has said so far; the piece itself is left as it is."""
        answer = self._answers.setdefault(run_id, Snapshot())
        answer.texts += chunk.texts
        answer.thoughts += chunk.thoughts
        answer.citations += chunk.citations
        answer.tool_calls += chunk.tool_calls

    def take(self, run_id: UUID) -> Snapshot:
        """Everything the run has said, which is forgotten here; an empty snapshot when it said nothing."""
        return self._answers.pop(run_id, Snapshot())
