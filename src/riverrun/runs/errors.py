"""What can go wrong with runs."""

from typing import Any
from uuid import UUID

from riverrun.kit.problem import Problem


class SubjectBusy(Problem):
    """Another run works on the same conversation: wait for its end, or stop it. ``run_id`` names it."""

    status = 409
    title = "A run is under way"

    def __init__(self, run_id: UUID) -> None:
        super().__init__("Wait for the run's end, or stop it first.", run_id=str(run_id))


class LineFull(Problem):
    """As many runs as may wait already wait on the same conversation: ask again when some of them are done."""

    status = 429
    title = "Too many runs wait"

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} runs wait here already: ask again when some of them are done.")


class RunFailed(Problem):
    """A run ended in error. Never an answer of its own: it is the ``error`` of the run's ``end`` event and of the run.

    ``title`` says what failed, ``detail`` why and what to do.
    """

    status = 502
    title = "The run failed"

    def __init__(self, title: str, detail: str, **extensions: Any) -> None:
        super().__init__(detail, **extensions)
        self.reason = title

    def document(self) -> dict[str, Any]:
        return {**super().document(), "title": self.reason}


class RunStopped(Exception):
    """The work is to end here: somebody stopped the run, or the worker leaves and hands it over."""
