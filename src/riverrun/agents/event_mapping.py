"""From pydantic-ai's stream events to the run's own; pure."""

from dataclasses import dataclass
from typing import Any

from pydantic_ai import (
    AgentStreamEvent,
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_core import to_json

from riverrun.agents.listing import shorten
from riverrun.agents.text_repair import repair_value

_MOST_ARGUMENT_CHARS = 8_000
_MOST_NAME_CHARS = 200
"""Names are the model's own words too: one of 100,000 characters would fit no frame."""


@dataclass(frozen=True, slots=True)
class TextGiven:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class TextEnded:
    """A stretch of text is complete; a tool call or the end follows."""


@dataclass(frozen=True, slots=True)
class ThinkingGiven:
    """The next piece of the model's reasoning; ``is_new``: it does not go on with the piece before."""

    text: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class ArgumentsGiven:
    """The next piece of what a tool call is made with, as the model writes it."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A complete tool call, about to be made."""

    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """The words a tool call gave the model."""

    call_id: str
    result: str


AgentEvent = TextGiven | TextEnded | ThinkingGiven | ArgumentsGiven | ToolCalled | ToolAnswered


def map_event(event: AgentStreamEvent) -> AgentEvent | None:
    """The run's event for a model's or tool's event; none for those that readers have no use for."""
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return TextGiven(text)
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return TextGiven(text)
        case PartEndEvent(part=TextPart()):
            return TextEnded()
        case PartStartEvent(part=ThinkingPart(content=text)):
            return ThinkingGiven(text, is_new=True)
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(text))):
            return ThinkingGiven(text)
        case PartStartEvent(part=ToolCallPart(args=str(text))):
            return ArgumentsGiven(text)
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str(text))):
            return ArgumentsGiven(text)
        case FunctionToolCallEvent(part=part):
            return ToolCalled(part.tool_call_id, part.tool_name[:_MOST_NAME_CHARS], _arguments(part))
        case FunctionToolResultEvent(part=result):
            return ToolAnswered(result.tool_call_id, result.model_response_str(wrap_if_error=False))
        case _:
            return None


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    """The call's arguments; what is no JSON object, or too long to show, stands as text under ``raw``."""
    written = part.args if isinstance(part.args, str) else to_json(repair_value(part.args or {})).decode()
    if len(written) > _MOST_ARGUMENT_CHARS:
        return {"raw": shorten(written, _MOST_ARGUMENT_CHARS)}
    try:
        return part.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        return {"raw": written}
