"""The built-in model: it understands no language, but quotes the index well, needs no key and no network.

It runs the same loop and tools as any other model: search, look up the names that the question mentions, read
the best definition and find its callers, then write down what was found. A question about the repository itself
is answered out of its README, one about a file out of that file, one how to do something out of the guides.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence

from pydantic_ai import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from riverrun.agents.evidence import Evidence
from riverrun.agents.extractive_answer import compose_answer
from riverrun.agents.follow_ups import resolve_reference
from riverrun.agents.next_look import Calls, next_calls

MODEL_NAME = "extractive"
_PIECE_CHARS = 32
_WORD_WITH_SPACE = re.compile(r"\S*\s+|\S+")


def extractive_model(delay_seconds: float = 0.0) -> Model:
    """The model; it pauses ``delay_seconds`` before each piece it streams, to be watched or interrupted."""

    async def stream(messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        evidence = read_evidence(messages)
        if calls := next_calls(evidence):
            yield _as_delta(calls, len(messages))
            return
        for piece in pieces(compose_answer(evidence)):
            await asyncio.sleep(delay_seconds)
            yield piece

    return FunctionModel(stream_function=stream, model_name=MODEL_NAME)


def read_evidence(messages: Sequence[ModelMessage]) -> Evidence:
    """What this run has found so far, told by the messages alone."""
    parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
    positions = [number for number, part in enumerate(parts) if isinstance(part, UserPromptPart)]
    questions = [_prompt_text(parts[position]) for position in positions]
    evidence = Evidence(question=questions[-1], subject=_subject(questions))
    for part in parts[positions[-1] :]:
        if isinstance(part, ToolReturnPart):
            evidence.add(part.tool_name, part.metadata, failed=part.outcome != "success")
    return evidence


def pieces(text: str) -> Iterator[str]:
    """The text as a model sends it: a few words at a time, nothing lost."""
    piece = ""
    for word in _WORD_WITH_SPACE.findall(text):
        piece += word
        if len(piece) >= _PIECE_CHARS:
            yield piece
            piece = ""
    if piece:
        yield piece


def _subject(questions: Sequence[str]) -> str:
    """The last question with what it refers back to, through any number of follow-ups."""
    subject = questions[0]
    for question in questions[1:]:
        subject = resolve_reference(question, subject)
    return subject


def _as_delta(calls: Calls, step: int) -> DeltaToolCalls:
    return {
        number: DeltaToolCall(name, json.dumps(arguments), tool_call_id=f"{name}-{step}-{number}")
        for number, (name, arguments) in enumerate(calls)
    }


def _prompt_text(part: ModelRequestPart) -> str:
    content = part.content if isinstance(part, UserPromptPart) else ""
    return (
        content if isinstance(content, str) else " ".join(item for item in content if isinstance(item, str))
    )
