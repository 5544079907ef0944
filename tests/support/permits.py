"""Permits for streams that a test opens by itself."""

import contextlib
from collections.abc import Callable, Iterator
from uuid import UUID


class OpenPermit:
    """Lets everything be read, until ``lose`` is called."""

    def __init__(self, *, hides_sources: bool = False) -> None:
        self._hides_sources = hides_sources
        self._on_loss: list[Callable[[], None]] = []

    def hides_sources_of(self, run_id: UUID) -> bool:
        return self._hides_sources

    @contextlib.contextmanager
    def held(self, on_loss: Callable[[], None]) -> Iterator[None]:
        self._on_loss.append(on_loss)
        yield
        self._on_loss.remove(on_loss)

    def lose(self) -> None:
        """End the streams that are open under it."""
        for on_loss in list(self._on_loss):
            on_loss()
