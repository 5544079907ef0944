"""What an ended run is settled for. The rules are those of docs/usage.md, row by row."""

from dataclasses import dataclass

from riverrun.runs.models import RunStatus
from riverrun.streaming.snapshot import Snapshot

CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Settlement:
    """Whether the question counts, and for how many tokens."""

    counts: bool
    tokens: int


RELEASED = Settlement(counts=False, tokens=0)


def settle_attempt(status: RunStatus, *, was_asked: bool, was_heard: bool, tokens: int) -> Settlement:
    """Of a run that a worker ends. ``was_asked``: this attempt has turned to the model; ``was_heard``: there are words of
    it, of this attempt or an earlier one.

    An error counts only if this very attempt has heard the model: what broke before, or for want of workers that live,
    is no fault of who asked.
    """
    counts = (was_asked and was_heard) if status is RunStatus.ERROR else (was_asked or was_heard)
    return Settlement(counts=True, tokens=tokens) if counts else RELEASED


def settle_orphan(question: str, said: Snapshot) -> Settlement:
    """Of a stopped run that the API ends, because no worker holds it; ``said`` is what was recorded."""
    if not was_heard(said):
        return RELEASED
    return Settlement(counts=True, tokens=estimated_tokens(question, said.text, said.thinking))


def was_heard(said: Snapshot) -> bool:
    """Whether any of it came from the model."""
    return bool(said.texts or said.thoughts or said.tool_calls)


def estimated_tokens(*texts: str) -> int:
    """How many tokens texts have for which nobody reports it: one for four characters begun."""
    return -(-sum(map(len, texts)) // CHARS_PER_TOKEN)
