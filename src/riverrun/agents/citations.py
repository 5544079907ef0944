"""Citations in streamed text: a marker reaches the reader only after the index has confirmed it."""

import logging
import re
from collections.abc import Sequence
from itertools import groupby

from riverrun.agents.deps import CodeIndex, Location
from riverrun.agents.places import Place, format_place, parse_places

_LONGEST_MARKER = 400
_DEEPEST_BRACKETS = 3
"""``[app/[[...slug]]/page.tsx:1]`` is a marker; more nesting is not, which keeps rescans linear."""

_LONGEST_FENCE_LINE = 300
_LINE_PREFIX = r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?[ \t>]*"
_FENCE_START = re.compile(_LINE_PREFIX + r"(?:`{3}|~{3})")
_FENCE_OPENED = re.compile(_LINE_PREFIX + r"(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_FENCE_CLOSED = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,})[ \t\r]*")

_log = logging.getLogger(__name__)


class CitationFilter:
    """Lets text through and checks each ``[path:10-20]`` marker against the index on the way.

    A marker that resolves stays, in its normal spelling, and the first one for a place is followed by that
    place's :class:`Location`. A marker that does not resolve is removed with the space before it. Fenced code
    is left alone. Text is held back only while it may still become a marker, and the joined output does not
    depend on where the chunks were cut.
    """

    def __init__(self, index: CodeIndex) -> None:
        self._index = index
        self._line = _LineWatch()
        self._space = ""
        self._candidate = ""
        self._open_brackets = 0
        self._output: list[str | Location] = []
        self._cited: set[Location] = set()

    def feed(self, chunk: str) -> Sequence[str | Location]:
        """What may leave now: pieces of text, and locations directly after the text that cites them."""
        self._scan(chunk)
        return self._drain()

    def flush(self) -> Sequence[str | Location]:
        """What was held back, as the text ends here."""
        while self._candidate:
            self._scan(self._give_up())
        self._release_space()
        return self._drain()

    def _scan(self, text: str) -> None:
        pending = list(reversed(text))
        while pending:
            character = pending.pop()
            if self._candidate:
                pending.extend(reversed(self._extend(character)))
            else:
                self._pass(character)

    def _pass(self, character: str) -> None:
        if character == "[" and not self._line.is_code:
            self._candidate = character
            self._open_brackets = 1
            return
        self._release_space()
        self._line.see(character)
        if character == " ":
            self._space = character
        else:
            self._output.append(character)

    def _extend(self, character: str) -> str:
        """Add to the candidate; what comes back was no part of a marker and is to be read again."""
        self._candidate += character
        self._open_brackets += {"[": 1, "]": -1}.get(character, 0)
        if self._open_brackets == 0:
            return self._close()
        hopeless = (
            character == "\n"
            or self._open_brackets > _DEEPEST_BRACKETS
            or len(self._candidate) > _LONGEST_MARKER
        )
        return self._give_up() if hopeless else ""

    def _close(self) -> str:
        places = parse_places(self._candidate[1:-1])
        found = [location for place in places if (location := self._resolve(place))]
        if not found and not (places and self._is_surely_a_marker(places)):
            return self._give_up()
        if found:
            self._release_space()
        self._space = ""
        self._line.see_marker(self._candidate)
        self._candidate = ""
        self._cite(found)
        return ""

    def _is_surely_a_marker(self, places: Sequence[Place]) -> bool:
        """``items[1:10]`` and ``[localhost:8080]`` are the author's own text and no failed citation."""
        return all(place.looks_like_a_file for place in places) and not self._line.ends_in_an_operand

    def _resolve(self, place: Place) -> Location | None:
        if not place.is_plausible:
            return None
        try:
            excerpt = self._index.read_file(place.path, place.start_line, place.end_line)
        except Exception:
            # An answer outlives its index; what cannot be checked now is not cited.
            _log.warning("a citation could not be checked: %s", format_place(place), exc_info=True)
            return None
        if excerpt is None:
            return None
        location = excerpt.location
        is_exact = (location.start_line, location.end_line) == (place.start_line, place.end_line)
        return location if is_exact else None

    def _cite(self, locations: Sequence[Location]) -> None:
        for number, location in enumerate(locations):
            self._output.append(f"{' ' if number else ''}[{format_place(location)}]")
            if location not in self._cited:
                self._cited.add(location)
                self._output.append(location)

    def _give_up(self) -> str:
        """Release the candidate's bracket as plain text and return what follows it."""
        rest = self._candidate[1:]
        self._candidate = ""
        self._release_space()
        self._line.see("[")
        self._output.append("[")
        return rest

    def _release_space(self) -> None:
        if self._space:
            self._output.append(self._space)
            self._space = ""

    def _drain(self) -> list[str | Location]:
        output = _join_text(self._output)
        self._output = []
        return output


class _LineWatch:
    """Follows the lines of Markdown to know where fenced code begins and ends."""

    def __init__(self) -> None:
        self._line = ""
        self._fence = ""
        self._last = ""

    @property
    def is_code(self) -> bool:
        """Whether the present position is in a fence, or on a line that looks like one opening."""
        return bool(self._fence) or _FENCE_START.match(self._line) is not None

    @property
    def ends_in_an_operand(self) -> bool:
        """Whether a bracket here would read as indexing: ``name[``, ``call()[``."""
        return self._last.isalnum() or self._last in ("_", ")", "]")

    def see(self, character: str) -> None:
        self._last = character
        if character == "\n":
            self._end_line()
        elif len(self._line) < _LONGEST_FENCE_LINE:
            self._line += character

    def see_marker(self, marker: str) -> None:
        """A marker makes the line no fence, and what follows it is no index of it."""
        self._last = ""
        self._line += marker

    def _end_line(self) -> None:
        if self._fence:
            closing = _FENCE_CLOSED.fullmatch(self._line)
            if closing and closing["fence"].startswith(self._fence):
                self._fence = ""
        else:
            opening = _FENCE_OPENED.match(self._line)
            self._fence = opening["fence"] if opening else ""
        self._line = ""


def _join_text(output: Sequence[str | Location]) -> list[str | Location]:
    joined: list[str | Location] = []
    for is_text, group in groupby(output, key=lambda item: isinstance(item, str)):
        items = list(group)
        joined.extend(["".join(item for item in items if isinstance(item, str))] if is_text else items)
    return joined
