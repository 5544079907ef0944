"""A tool with an effect, for chaos only: it writes a line into a file, which stands for the world outside.

Whatever is killed, a line of a run may stand there at most once.
"""

import os
from collections import Counter
from pathlib import Path

from pydantic_ai import RunContext

from riverrun.agents.code_agent import code_agent
from riverrun.agents.deps import AgentDeps
from riverrun.agents.effects import has_effects
from riverrun.infra import logs

WORLD_VARIABLE = "CHAOS_WORLD"


@has_effects
async def write_into_the_chaos_world(context: RunContext[AgentDeps], line: str) -> str:
    """Write a line. For tests only."""
    with Path(os.environ[WORLD_VARIABLE]).open("a") as world:  # noqa: ASYNC230  (the loop is the worker's own)
        world.write(f"{logs.run_id.get()} {line}\n")
    return f"written: {line}"


def give_it_to_the_agent() -> None:
    """Let the agent of this process have the tool."""
    code_agent().tool(write_into_the_chaos_world)


def effects_in(world: Path) -> Counter[tuple[str, str]]:
    """How often each run wrote each line."""
    lines = world.read_text().splitlines() if world.exists() else []
    return Counter((run_id, line) for run_id, line in (one.split(" ", 1) for one in lines))
