"""The one door through which an answer leaves: repaired, its citations checked, in pieces of bounded size."""

from collections.abc import Callable, Iterable

from riverrun.agents.citations import CitationFilter
from riverrun.agents.deps import Location
from riverrun.agents.errors import AgentFailed
from riverrun.agents.event_mapping import (
    AgentEvent,
    ArgumentsGiven,
    TextEnded,
    TextGiven,
    ThinkingGiven,
    ToolAnswered,
    ToolCalled,
)
from riverrun.agents.text_repair import StreamRepair, repair_value, split_bytes
from riverrun.agents.thinking_tags import ThinkingTags

Emit = Callable[[str, dict[str, object]], None]

MAX_TEXT_BYTES = 24 * 1024
"""JSON may double a text of quotes and line feeds, and a frame holds 64 KiB."""


class AnswerWriter:
    """Turns agent events into the run's events, in order, by ``emit(type, data)``.

    Raises :class:`AgentFailed` once text, thinking and the arguments of tool calls together exceed ``output_chars``; what
    fits leaves before.
    """

    def __init__(self, citations: CitationFilter, emit: Emit, output_chars: int) -> None:
        self._citations = citations
        self._emit = emit
        self._chars_left = output_chars
        self._tags = ThinkingTags()
        self._text = StreamRepair()
        self._thinking = StreamRepair()
        self._thought_in_text: list[str] = []
        self._has_thought = False
        self._thinks_anew = False
        self._has_open_paragraph = False
        self._needs_break = False
        self._has_words = False

    @property
    def has_words(self) -> bool:
        """Whether anything has left that can be seen since the last tool call; blank text is no answer."""
        return self._has_words

    def write(self, event: AgentEvent) -> None:
        """Emit what ``event`` makes ready to leave."""
        match event:
            case TextGiven(text):
                self._write_told_apart(self._tags.feed(self._what_fits(text)))
            case TextEnded():
                self.finish()
            case ThinkingGiven(text, is_new):
                self._thinks_anew = self._thinks_anew or is_new
                self._write_thinking(self._thinking.feed(self._what_fits(text)))
            case ArgumentsGiven(text):
                self._what_fits(text)
            case ToolCalled(call_id, name, arguments):
                self._needs_break = self._has_open_paragraph
                self._thinks_anew, self._has_words, self._thought_in_text = True, False, []
                self._emit_value("tool_call", call_id=call_id, name=name, arguments=arguments)
            case ToolAnswered(call_id, result):
                self._emit_value("tool_result", call_id=call_id, result=result)
        if self._chars_left < 0:
            raise AgentFailed(
                "The answer grew too long", "The model did not stop writing. Ask something narrower."
            )

    def finish(self) -> None:
        """Emit the text that was held back; nothing that could complete it will come."""
        self._write_told_apart(self._tags.flush())
        self._write_thinking(self._thinking.flush())
        self._write_text(self._text.flush())
        self._send(self._citations.flush())

    def say_thoughts(self) -> None:
        """Say what was thought in the text since the last tool call: some models forget to close the tag, or to go on after it."""
        self._write_text(self._text.feed("".join(self._thought_in_text).strip()) + self._text.flush())
        self._send(self._citations.flush())

    def _what_fits(self, text: str) -> str:
        fitting = text[: max(self._chars_left, 0)]
        self._chars_left -= len(text)
        return fitting

    def _write_told_apart(self, pieces: Iterable[tuple[bool, str]]) -> None:
        for is_thought, words in pieces:
            if is_thought:
                self._thought_in_text.append(words)
                self._write_thinking(self._thinking.feed(words))
            else:
                self._write_text(self._text.feed(words))

    def _write_text(self, text: str) -> None:
        if text and self._needs_break:
            # What was said before the tool call must not run into what is said after it.
            text = "\n\n" + text
            self._needs_break = False
        if text:
            self._send(self._citations.feed(text))

    def _write_thinking(self, text: str) -> None:
        if not text:
            return
        if self._thinks_anew and self._has_thought:
            text = "\n\n" + text
        self._thinks_anew, self._has_thought = False, True
        for piece in split_bytes(text, MAX_TEXT_BYTES):
            self._emit("thinking", {"text": piece})

    def _send(self, output: Iterable[str | Location]) -> None:
        for item in output:
            self._has_words = self._has_words or isinstance(item, Location) or bool(item.strip())
            if isinstance(item, Location):
                self._emit_citation(item)
                continue
            self._has_open_paragraph = not item.endswith("\n")
            for piece in split_bytes(item, MAX_TEXT_BYTES):
                self._emit("text", {"text": piece})

    def _emit_citation(self, location: Location) -> None:
        self._emit_value(
            "citation",
            repo=location.repo,
            commit=location.commit,
            path=location.path,
            start_line=location.start_line,
            end_line=location.end_line,
            blob=location.blob,
            **({"version": location.version} if location.names_repo and location.version else {}),
        )

    def _emit_value(self, event_type: str, **data: object) -> None:
        self._emit(event_type, {name: repair_value(value) for name, value in data.items()})
