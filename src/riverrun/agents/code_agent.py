"""The agent that answers questions about code."""

import os
import warnings
from functools import cache

from pydantic_ai import Agent, UsageLimitUnavailableWarning

from riverrun.agents.deps import AgentDeps
from riverrun.agents.prompts import INSTRUCTIONS
from riverrun.agents.tools import code_tools

_ATTEMPTS_AT_A_TOOL_CALL = 3


@cache
def code_agent() -> Agent[AgentDeps, str]:
    """The agent, without a model: each run brings its own. It holds no state and may serve many runs."""
    # The library would greet interactive terminals with a banner on stderr.
    os.environ.setdefault("PYDANTIC_AI_NO_BANNER", "1")
    # Local servers often count no tokens; steps, characters and seconds bound their answers all the same.
    warnings.filterwarnings("ignore", category=UsageLimitUnavailableWarning)
    return Agent(
        deps_type=AgentDeps,
        name="code",
        instructions=INSTRUCTIONS,
        tools=code_tools(),
        retries={"tools": _ATTEMPTS_AT_A_TOOL_CALL, "output": 1},
    )
