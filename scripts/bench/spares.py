"""Servers that were used before, for runs that only prove that everything works: starting one is most of its work there."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bench.child import Child

Lent = TypeVar("Lent")
Key = tuple[tuple[str, ...], frozenset[tuple[str, str]]]
"""A program with its arguments and its environment, but for the port."""


@dataclass(slots=True)
class Spares:
    """Kept inside ``keeping``, where a program that was left serves whoever asks for the same one next."""

    is_keeping: bool = False
    _idle: dict[Key, list[tuple[int, Child]]] = field(default_factory=dict)
    _lent: dict[str, Any] = field(default_factory=dict)
    _until_the_end: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """All end afterwards."""
        self.is_keeping = True
        try:
            yield
        finally:
            self.is_keeping = False
            children = [child for idle in self._idle.values() for _, child in idle]
            self._idle.clear()
            for child in children:
                child.process.terminate()
            for child in children:
                child.close()
            self._lent.clear()
            self._until_the_end.close()

    @contextlib.contextmanager
    def lent(self, name: str, start: Callable[[], AbstractContextManager[Lent]]) -> Iterator[Lent]:
        """What ``start`` opens: for this use alone, or while keeping for all uses under the name, one after the other."""
        if not self.is_keeping:
            with start() as one:
                yield one
            return
        if name not in self._lent:
            self._lent[name] = self._until_the_end.enter_context(start())
        yield self._lent[name]

    def take(self, key: Key) -> tuple[int, Child] | None:
        """The port and the process of one that nobody uses."""
        idle = self._idle.get(key, [])
        return idle.pop() if idle else None

    def give(self, key: Key, port: int, child: Child) -> None:
        """It is not needed any more just now."""
        self._idle.setdefault(key, []).append((port, child))


SPARES = Spares()
"""One for the process, as the servers are its own."""


def key_of(program: tuple[str, ...], environment: Mapping[str, str]) -> Key:
    """What makes two servers the same."""
    same = {name: value for name, value in environment.items() if name != "RIVERRUN_PORT"}
    return program, frozenset(same.items())
