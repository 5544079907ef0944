"""The right to read runs, as streaming sees it: it may be lost while a stream is open, and may leave the sources out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID


class Permit(Protocol):
    """One reader's right to some runs. What it rests on is bound in main: streaming knows no accounts."""

    def hides_sources_of(self, run_id: UUID) -> bool:
        """Whether what the run read in repositories is not for this reader."""
        ...

    def held(self, on_loss: Callable[[], None]) -> AbstractContextManager[None]:
        """While the stream is open; ``on_loss``, which must not wait, is called once when the right is gone."""
        ...
