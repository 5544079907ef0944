"""Thinking that a model's server leaves in front of the answer, in ``<think>...</think>``, told apart from what is said."""

from collections.abc import Iterator
from enum import Enum, auto

_OPEN = "<think>"
_CLOSE = "</think>"


class _Phase(Enum):
    BEFORE = auto()
    THINKING = auto()
    BETWEEN = auto()
    SAYING = auto()


class ThinkingTags:
    """Splits a stretch of text, however it comes in pieces, into pairs of whether it is thought, and the words.

    Only tags at its beginning count: further on they are what the answer speaks of.
    """

    def __init__(self) -> None:
        self._phase = _Phase.BEFORE
        self._held = ""

    def feed(self, text: str) -> Iterator[tuple[bool, str]]:
        """What can be told by now."""
        held, self._held = self._held + text, ""
        if self._phase is _Phase.BEFORE:
            begin = held.lstrip()
            if begin.startswith(_OPEN):
                self._phase, held = _Phase.THINKING, begin.removeprefix(_OPEN)
            elif _OPEN.startswith(begin):
                self._held = held
                return
            else:
                self._phase = _Phase.SAYING
        if self._phase is _Phase.THINKING:
            thought, tag, held = held.partition(_CLOSE)
            if not tag:
                whole = len(thought) - _length_of_begun_tag(thought)
                self._held = thought[whole:]
                yield True, thought[:whole]
                return
            yield True, thought
            self._phase = _Phase.BETWEEN
        if self._phase is _Phase.BETWEEN:
            held = held.lstrip()
            if not held:
                return
            self._phase = _Phase.SAYING
        yield False, held

    def flush(self) -> Iterator[tuple[bool, str]]:
        """What was held back when the stretch ends. Another may begin then."""
        if self._held:
            yield self._phase is _Phase.THINKING, self._held
        self._phase, self._held = _Phase.BEFORE, ""


def _length_of_begun_tag(text: str) -> int:
    """How many characters at its end may begin the closing tag."""
    return next((length for length in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:length])), 0)
