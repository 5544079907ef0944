"""Tools that change something: each of their calls has at most one effect, over all attempts of a run.

A worker may die at any moment, and its run begins anew elsewhere. So a call is noted before its effect, under an id that
the next attempt arrives at by itself, and answered from the note when it was made before.
"""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import orjson
from pydantic_ai import RunContext, ToolFailed
from pydantic_core import to_jsonable_python

from riverrun.agents.deps import AgentDeps, EffectLedger, EffectState
from riverrun.agents.text_repair import repair, repair_value

EffectTool = Callable[..., Awaitable[str]]

NOT_REPEATED = (
    "This very call was begun before and cut off. Nobody knows whether it took effect, and it is not repeated. "
    "Look at what it was to change, or tell the user."
)


def has_effects(tool: EffectTool) -> EffectTool:
    """Mark a tool that changes something outside of the run, so that its calls go through the ledger.

    Its first parameter is the context, the others are JSON values, and it answers with text. It raises ``ToolFailed`` when,
    and only when, it is certain that nothing was changed.
    """

    @wraps(tool)
    async def once(context: RunContext[AgentDeps], **arguments: Any) -> str:
        return await context.deps.effects.once(tool.__name__, arguments, lambda: tool(context, **arguments))

    return once


class Effects:
    """The effects of one attempt, in the order of its calls."""

    def __init__(self, ledger: EffectLedger) -> None:
        self._ledger = ledger
        self._calls: Counter[str] = Counter()

    async def once(self, tool: str, arguments: dict[str, Any], perform: Callable[[], Awaitable[str]]) -> str:
        """What ``perform`` answers, or what it answered when an earlier attempt made the same call.

        Raises:
            ToolFailed: it failed, now or then; or it was begun then, and nobody knows how it went.
        """
        effect_id = self._next_id(tool, arguments)
        earlier = self._ledger.begin(effect_id, tool)
        if earlier is None:
            return await self._perform(effect_id, perform)
        match earlier.state:
            case EffectState.DONE:
                return earlier.result
            case EffectState.FAILED:
                raise ToolFailed(earlier.result)
            case EffectState.BEGUN:
                raise ToolFailed(NOT_REPEATED)

    async def _perform(self, effect_id: str, perform: Callable[[], Awaitable[str]]) -> str:
        try:
            result = repair(await perform())
        except ToolFailed as failure:
            self._ledger.end(effect_id, EffectState.FAILED, repair(failure.message))
            raise
        self._ledger.end(effect_id, EffectState.DONE, result)
        return result

    def _next_id(self, tool: str, arguments: dict[str, Any]) -> str:
        """The how-manieth call of this tool with these arguments: models give each attempt's calls other ids."""
        call_made = repair_value(to_jsonable_python([tool, arguments]))
        told = orjson.dumps(call_made, option=orjson.OPT_SORT_KEYS)
        call = hashlib.sha256(told).hexdigest()
        self._calls[call] += 1
        return f"{call}-{self._calls[call]}"


class NoLedger:
    """For agents without such tools, outside of a run: refuses."""

    def begin(self, effect_id: str, tool: str) -> None:
        """Refuse."""
        raise ToolFailed(f"{tool} can only be used within a run.")

    def end(self, effect_id: str, state: EffectState, result: str) -> None:
        """Nothing was begun."""
