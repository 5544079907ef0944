"""One answer from question to last word."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic_ai import (
    Agent,
    AgentRunResultEvent,
    AgentStreamEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RunUsage,
    TextPart,
    UsageLimits,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from riverrun.agents.answer_writer import AnswerWriter, Emit
from riverrun.agents.citations import CitationFilter
from riverrun.agents.code_agent import code_agent
from riverrun.agents.deps import AgentDeps, CodeIndex, EffectLedger
from riverrun.agents.effects import Effects, NoLedger
from riverrun.agents.errors import AgentFailed
from riverrun.agents.event_mapping import ToolCalled, map_event
from riverrun.agents.failure_explanation import explain, no_answer, too_many_tokens
from riverrun.agents.failure_log import log_failure
from riverrun.agents.listing import shorten
from riverrun.agents.model_choice import key_of
from riverrun.agents.reply_mending import MendedReplies
from riverrun.agents.spending import MOST_TOKENS

_WHOLE = frozenset({"eos", "eos_token", "end_turn", "stop_sequence"})
"""What servers give for the reason of a whole answer besides the words that the library knows."""
_MARGIN_SECONDS = 5.0
"""By which the model's client waits longer than we do, so that a silence is told in our words."""
_IF_CUT = "(the beginning of this answer is left out)\n…"
_LEAST_CHARS_OF_AN_EXCHANGE = 1_000


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one answer may go before it fails.

    ``steps`` counts requests to the model, ``stall_seconds`` is the longest silence of model and tools,
    ``output_chars`` bounds text and thinking together, ``history_chars`` the newest turns that are told.
    """

    steps: int = 20
    tool_calls: int = 60
    tokens: int = 400_000
    total_seconds: float = 600.0
    stall_seconds: float = 120.0
    output_chars: int = 200_000
    history_chars: int = 40_000


async def answer_question(
    question: str,
    history: Sequence[Turn],
    index: CodeIndex,
    model: Model,
    emit: Emit,
    limits: Limits | None = None,
    *,
    agent: Agent[AgentDeps, str] | None = None,
    ledger: EffectLedger | None = None,
    usage: RunUsage | None = None,
) -> None:
    """Answer ``question`` by ``agent``, the code agent unless given, emitting the run's events in order as they come.

    ``history`` is oldest first and without ``question``. ``emit(type, data)`` is called on the event loop;
    what it raises ends the answer and is passed on. ``index`` is asked on the loop's thread, which waits for it. Without a
    ``ledger`` tools that change something refuse. What the model reports is added to ``usage``, also of an answer that is not complete.

    Raises :class:`AgentFailed` when the answer is not complete; what was emitted before stays valid.
    Cancelling the task closes the model's connection at once and emits nothing more.
    """
    bounds = limits or Limits()
    deps = AgentDeps(index, Effects(ledger or NoLedger()))
    writer = AnswerWriter(CitationFilter(index), emit, bounds.output_chars)
    deadline = asyncio.timeout(bounds.total_seconds)
    try:
        async with deadline:
            await _write_answer(
                writer,
                agent or code_agent(),
                question,
                history,
                deps,
                model,
                bounds,
                RunUsage() if usage is None else usage,
            )
    except TimeoutError as error:
        if not deadline.expired():
            raise
        writer.finish()
        raise AgentFailed(
            "The answer took too long", f"It was stopped after {bounds.total_seconds:g} seconds. Ask again."
        ) from error
    except AgentFailed:
        writer.finish()
        raise
    writer.finish()
    if not writer.has_words:
        writer.say_thoughts()
    if not writer.has_words:
        raise no_answer()


async def _write_answer(
    writer: AnswerWriter,
    agent: Agent[AgentDeps, str],
    question: str,
    history: Sequence[Turn],
    deps: AgentDeps,
    model: Model,
    limits: Limits,
    usage: RunUsage,
) -> None:
    stream = agent.run_stream_events(
        question,
        deps=deps,
        model=model,
        usage=usage,
        message_history=_messages(_newest(_exchanges(history), limits.history_chars)),
        capabilities=[MendedReplies()],
        usage_limits=UsageLimits(request_limit=limits.steps, tool_calls_limit=limits.tool_calls),
        model_settings=ModelSettings(timeout=limits.stall_seconds + _MARGIN_SECONDS),
    )
    async with stream as events:
        while (event := await _next_event(events, limits.stall_seconds, key_of(model))) is not None:
            if isinstance(event, AgentRunResultEvent):
                _require_complete(event.result.response)
            elif mapped := map_event(event):
                writer.write(mapped)
                if isinstance(mapped, ToolCalled) and limits.tokens < usage.total_tokens <= MOST_TOKENS:
                    raise too_many_tokens()  # an answer that is whole by now is not refused


async def _next_event(
    events: AsyncIterator[AgentStreamEvent | AgentRunResultEvent[str]], stall_seconds: float, key: str
) -> AgentStreamEvent | AgentRunResultEvent[str] | None:
    """The next event, or none at the end; every failure of the model comes out explained."""
    silence = asyncio.timeout(stall_seconds)
    try:
        async with silence:
            return await anext(events, None)
    except Exception as error:
        if silence.expired():
            raise AgentFailed(
                "The model stalled", f"Nothing came for {stall_seconds:g} seconds. Ask again."
            ) from error
        log_failure(error)
        raise explain(error, key) from error


def _require_complete(response: ModelResponse) -> None:
    """Providers end a cut answer's stream like a whole one's; only the reason they give tells them apart."""
    match response.finish_reason:
        case "length":
            raise AgentFailed("The answer was cut off", "The model reached the longest output it may write.")
        case "content_filter":
            raise AgentFailed(
                "The answer was cut off", "The content filter of the model's provider stopped it."
            )
        case None if response.provider_url:
            _require_known_reason((response.provider_details or {}).get("finish_reason"))


def _require_known_reason(given: object) -> None:
    if given in _WHOLE:
        return
    if given == "error":
        raise AgentFailed(
            "The model's server failed", "It broke the answer off with an error. Ask again later."
        )
    how = f"with the reason {shorten(repr(given), 100)}" if given else "without saying that it was complete"
    raise AgentFailed("The answer may be cut off", f"The model's server ended the stream {how}.")


def _exchanges(history: Sequence[Turn]) -> list[tuple[Turn, Turn]]:
    """Each question with its answer. One that got none is left out: many models take no two questions in a row."""
    said = [turn for turn in history if turn.text.strip()]
    return [pair for pair in pairwise(said) if (pair[0].role, pair[1].role) == ("user", "assistant")]


def _newest(exchanges: Sequence[tuple[Turn, Turn]], chars: int) -> list[Turn]:
    """As many of the last exchanges as fit; of the last one what fits if it does not fit whole."""
    kept: list[Turn] = []
    left = chars
    for question, answer in reversed(exchanges):
        left -= len(question.text) + len(answer.text)
        if left < 0:
            break
        kept[:0] = question, answer
    return kept or [turn for question, answer in exchanges[-1:] for turn in _cut(question, answer, chars)]


def _cut(question: Turn, answer: Turn, chars: int) -> list[Turn]:
    """The question and the end of its answer; nothing where there is hardly any room."""
    if chars < _LEAST_CHARS_OF_AN_EXCHANGE:
        return []
    asked = shorten(question.text, chars - chars // 8)
    return [Turn("user", asked), Turn("assistant", _end_of(answer.text, chars - len(asked)))]


def _end_of(answer: str, chars: int) -> str:
    return answer if len(answer) <= chars else _IF_CUT + answer[len(_IF_CUT) - chars :]


def _messages(history: Sequence[Turn]) -> list[ModelMessage]:
    return [
        ModelRequest(parts=[UserPromptPart(content=turn.text)])
        if turn.role == "user"
        else ModelResponse(parts=[TextPart(content=turn.text)])
        for turn in history
    ]
