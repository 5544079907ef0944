"""A run whose agent changes something outside, and may be killed in the middle of it.

Run as a program it performs the run in a process of its own, which then dies where it is told to.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from pydantic_ai import Agent, ModelMessage, RunContext, ToolFailed, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from tests.agents.folder_index import FolderIndex
from tests.support.run_reading import keep

from riverrun.agents.deps import AgentDeps
from riverrun.agents.effects import has_effects
from riverrun.agents.runner import answer_question
from riverrun.conversations.tool_ledger import ToolLedger
from riverrun.infra.settings import Settings
from riverrun.infra.worker_leaving import Leaving
from riverrun.infra.worker_resources import WorkerResources
from riverrun.kit.ids import new_uuid
from riverrun.runs.attempt import Attempt
from riverrun.runs.performance import perform_run

IN_THE_EFFECT = "in the effect"
AFTER_THE_RESULT = "after the result"
NOWHERE = "nowhere"


def perform_story(
    run_id: UUID, worker: WorkerResources, world: Path, *, dies: str = NOWHERE, calls: int = 1
) -> None:
    """Perform the run: the agent writes ``calls`` equal lines into the file ``world``, then says how that went."""

    def work(attempt: Attempt) -> None:
        answer = answer_question(
            "Write it down.",
            [],
            FolderIndex({}),
            writing_model(calls, dies),
            lambda event_type, fields: attempt.emit(event_type, **fields),
            agent=writing_agent(world, dies),
            ledger=ToolLedger(attempt, worker.engine),
        )
        worker.runner.run(answer)

    perform_run(run_id, worker, work, keep)


def writing_agent(world: Path, dies: str) -> Agent[AgentDeps, str]:
    """An agent with one tool, which changes the world."""

    @has_effects
    async def write_line(context: RunContext[AgentDeps], line: str) -> str:
        """Write a line. Refuses an empty one."""
        if not line:
            raise ToolFailed("An empty line is not written.")
        with world.open("a") as file:
            file.write(f"{line}\n")
        if dies == IN_THE_EFFECT:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"written: {line}"

    return Agent(deps_type=AgentDeps, tools=[write_line])


def writing_model(calls: int, dies: str) -> FunctionModel:
    """A fake of the outside model: calls the tool, with an id that no other attempt uses, then repeats what it was told."""

    async def stream(
        messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        told = [
            part.content for message in messages for part in message.parts if isinstance(part, ToolReturnPart)
        ]
        if len(told) < calls:
            yield {0: DeltaToolCall("write_line", '{"line": "once"}', tool_call_id=str(new_uuid()))}
            return
        if dies == AFTER_THE_RESULT:
            os.kill(os.getpid(), signal.SIGKILL)
        yield " | ".join(map(str, told))

    return FunctionModel(stream_function=stream)


def main(database_url: str, redis_url: str, run_id: str, world: str, dies: str) -> None:
    settings = Settings(_env_file=None, database_url=database_url, redis_url=redis_url)
    perform_story(UUID(run_id), WorkerResources.open(settings, Leaving()), Path(world), dies=dies)


if __name__ == "__main__":
    main(*sys.argv[1:])
