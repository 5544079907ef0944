"""The request that a task works for, though no function of its stack was given the scope: the task's context knows.

Starlette sends a stream from such a task, and an application may begin some of its own.
"""

import asyncio
import gc
from collections.abc import Sequence
from contextvars import Context, ContextVar
from typing import Any

from starlette.types import Scope

from riverrun.infra.loop_stack import Call

SERVED: ContextVar[Sequence[Scope]] = ContextVar("the request that is served", default=())
"""Emptied at its end: tasks that go on do not keep it, and work for nobody."""


def calls_for(task: "asyncio.Task[Any] | None") -> list[Call]:
    """The request as it came in, or nothing. Ask as one asks for ``calls_in``."""
    # Before 3.12 nobody but the garbage collector is shown the context that a task keeps.
    contexts = (held for held in gc.get_referents(task) if isinstance(held, Context)) if task else iter(())
    served = next((context.get(SERVED) for context in contexts), None)
    return [Call(scope) for scope in served or ()]
