"""Metrics in Prometheus' text format, written in small pieces so that a scrape never holds the loop up."""

import asyncio
from collections.abc import Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, Metric
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
SAMPLES_AT_ONCE = 50
"""Half a millisecond of work; a family may have thousands."""


class _Piece:
    """What the library takes for a registry."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


async def written(families: Iterable[Metric]) -> bytes:
    """The families as text. Others have their turn between the pieces.

    ``families`` is asked for one after another; one that is long may come in several parts, so that no part takes long to make.
    """
    text = []
    for piece in _pieces(families):
        text.append(piece)
        await asyncio.sleep(0)
    return b"".join(text)


def written_at_once(families: Iterable[Metric]) -> bytes:
    """The same for a process without a loop."""
    return b"".join(_pieces(families))


def _pieces(families: Iterable[Metric]) -> Iterator[bytes]:
    """What a family is, is said once, before the first of its samples."""
    name = ""
    for family in families:
        for text in _pieces_of(family):
            yield b"".join(_without_head(text)) if family.name == name else text
            name = family.name


def _pieces_of(family: Metric) -> Iterator[bytes]:
    samples = family.samples
    for start in range(0, max(len(samples), 1), SAMPLES_AT_ONCE):
        part = Metric(family.name, family.documentation, family.type)
        part.samples = samples[start : start + SAMPLES_AT_ONCE]
        yield generate_latest(_Piece(part))


def _without_head(text: bytes) -> Iterator[bytes]:
    return (line for line in text.splitlines(keepends=True) if not line.startswith(b"# "))
