"""The built-in model: it understands no language, but quotes the index well, needs no key and no network.

It runs the same loop and tools as any other model: search, look up the names that the question mentions, read
the best definition and find its callers, then write down what was found. A question about the repository itself
is answered out of its README.
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

from riverrun.agents.evidence import Evidence, Hit
from riverrun.agents.extractive_answer import called_name, compose_answer
from riverrun.agents.places import shown_path
from riverrun.agents.question_terms import identifiers, resolve_reference

MODEL_NAME = "extractive"
_README_LINES = 60
_PIECE_CHARS = 32
_WORD_WITH_SPACE = re.compile(r"\S*\s+|\S+")

_Calls = list[tuple[str, dict[str, object]]]


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


def next_calls(evidence: Evidence) -> _Calls:
    """The tools to call next; none when it is time to write."""
    if not evidence.has_looked:
        return _first_look(evidence)
    if evidence.has_read:
        return []
    if evidence.readme:
        return [("read_file", {"path": evidence.readme, "start_line": 1, "end_line": _README_LINES})]
    return _closer_look(evidence.best) if evidence.best else []


def _first_look(evidence: Evidence) -> _Calls:
    if evidence.is_about_the_whole:
        return [("list_files", {"pattern": "README*"}), ("search_code", {"query": evidence.subject})]
    looking: _Calls = [("search_code", {"query": evidence.subject})]
    looking.extend(("find_symbol", {"name": name}) for name in identifiers(evidence.subject))
    return looking


def _closer_look(best: Hit) -> _Calls:
    place = best.location
    lines = {"start_line": place.start_line, "end_line": place.end_line}
    looking: _Calls = [("read_file", {"path": shown_path(place), **lines})]
    if name := called_name(best):
        looking.append(("find_callers", {"name": name}))
    return looking


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


def _as_delta(calls: _Calls, step: int) -> DeltaToolCalls:
    return {
        number: DeltaToolCall(name, json.dumps(arguments), tool_call_id=f"{name}-{step}-{number}")
        for number, (name, arguments) in enumerate(calls)
    }


def _prompt_text(part: ModelRequestPart) -> str:
    content = part.content if isinstance(part, UserPromptPart) else ""
    return (
        content if isinstance(content, str) else " ".join(item for item in content if isinstance(item, str))
    )
