"""Calling a tool outside of a run."""

from pydantic_ai import RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from riverrun.agents.deps import AgentDeps, CodeIndex
from riverrun.agents.effects import Effects, NoLedger


def context(index: CodeIndex) -> RunContext[AgentDeps]:
    return RunContext(deps=AgentDeps(index, Effects(NoLedger())), model=TestModel(), usage=RunUsage())
