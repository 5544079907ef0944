"""Calling a tool outside of a run."""

from pydantic_ai import RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from riverrun.agents.deps import CodeIndex


def context(index: CodeIndex) -> RunContext[CodeIndex]:
    return RunContext(deps=index, model=TestModel(), usage=RunUsage())
