"""What servers get wrong in a model's reply, put right before the library acts on it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count

from pydantic_ai import ModelResponse, ModelResponsePart, RunContext, ToolCallPart
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import IncompleteToolCall
from pydantic_ai.models import ModelRequestContext

from riverrun.agents.deps import AgentDeps

_MOST_ID_CHARS = 200


@dataclass
class MendedReplies(AbstractCapability[AgentDeps]):
    """Gives each tool call of a reply an id of its own that fits a frame: the library refuses a reply where two share one.

    A call that the longest output cut off ends the answer; the library would ask for it anew, and have it cut again.
    """

    async def after_model_request(
        self, ctx: RunContext[AgentDeps], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        """Raises ``IncompleteToolCall``."""
        if response.finish_reason == "length" and _ends_in_a_cut_call(response):
            raise IncompleteToolCall("The longest output cut a tool call off.")
        return replace(response, parts=list(_with_own_ids(response.parts)))


def _ends_in_a_cut_call(response: ModelResponse) -> bool:
    match response.parts:
        case [*_, ToolCallPart() as call]:
            try:
                call.args_as_dict(raise_if_invalid=True)
            except (ValueError, AssertionError):
                return True
    return False


def _with_own_ids(parts: Iterable[ModelResponsePart]) -> Iterator[ModelResponsePart]:
    taken: set[str] = set()
    for part in parts:
        if isinstance(part, ToolCallPart):
            given = part.tool_call_id[:_MOST_ID_CHARS]
            numbered = (f"{given}-{number}" for number in count(2))
            own = next(free for free in chain([given], numbered) if free not in taken)
            taken.add(own)
            yield part if own == part.tool_call_id else replace(part, tool_call_id=own)
        else:
            yield part
