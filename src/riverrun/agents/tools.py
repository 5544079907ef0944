"""The agent's tools: read-only looks at the indexed code.

Each returns text for the model and, as metadata, the values behind the text. They call the synchronous index on
the event loop on purpose: the loop is the worker's own, the model waits meanwhile, and the index is a database
session that no second thread may touch.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field
from pydantic_ai import RunContext, Tool, ToolFailed, ToolReturn

from riverrun.agents.deps import AgentDeps
from riverrun.agents.listing import list_call_sites, list_hits, list_lines, list_paths
from riverrun.agents.places import normalise_path

SEARCH_LIMIT = 10
MOST_CALL_SITES = 50
MOST_PATHS = 200
_LONGEST_QUERY = 1_000
_MOST_LINES = 400

_log = logging.getLogger(__name__)
_Found = TypeVar("_Found")


async def search_code(
    context: RunContext[AgentDeps],
    query: Annotated[str, Field(description="What to look for, in plain words or identifiers.")],
) -> ToolReturn[str]:
    """Search the indexed repository. Returns the best-ranked definitions with their places, best first."""
    words = query.strip()[:_LONGEST_QUERY]
    if not words:
        return _words("Give at least one word to search for.")
    hits = _look(lambda: context.deps.index.search(words, limit=SEARCH_LIMIT))
    return _found(hits, list_hits, f"Nothing in the index matches {words!r}. Try other words.")


async def read_file(
    context: RunContext[AgentDeps],
    path: Annotated[str, Field(description="The file's path as the other tools print it.")],
    start_line: Annotated[int, Field(description="First line to read, counted from 1.")] = 1,
    end_line: Annotated[int | None, Field(description="Last line to read, inclusive.")] = None,
) -> ToolReturn[str]:
    """Read a range of lines of an indexed file, at most 400 at a time."""
    start = max(start_line, 1)
    end = start + _MOST_LINES - 1 if end_line is None else min(end_line, start + _MOST_LINES - 1)
    if end < start:
        return _words(f"The range {start_line}-{end_line} is empty: the end lies before the start.")
    known_path = normalise_path(path)
    excerpt = _look(lambda: context.deps.index.read_file(known_path, start, end))
    if excerpt is None:
        namesakes = _look(lambda: context.deps.index.namesakes(known_path))
        return _words(_why_unread(known_path, start, namesakes))
    return ToolReturn(list_lines(excerpt), metadata=excerpt)


async def list_files(
    context: RunContext[AgentDeps],
    pattern: Annotated[str, Field(description="A glob such as `src/**/*.py`; `**` lists everything.")] = "**",
) -> ToolReturn[str]:
    """List the paths of indexed files that match a glob, sorted."""
    wanted = normalise_path(pattern) or "**"
    paths = _look(lambda: context.deps.index.list_files(wanted, limit=MOST_PATHS))
    return _found(paths, list_paths, f"No indexed file matches {wanted!r}.")


async def find_symbol(
    context: RunContext[AgentDeps],
    name: Annotated[str, Field(description="A name, qualified or not, such as `Client.send`.")],
) -> ToolReturn[str]:
    """Find definitions (functions, classes, methods, ...) by name."""
    wanted = _bare_name(name)
    if not wanted:
        return _words("Give the name of a definition.")
    hits = _look(lambda: context.deps.index.find_symbol(wanted, limit=SEARCH_LIMIT))
    return _found(hits, list_hits, f"No definition is called {wanted!r} or anything like it.")


async def find_callers(
    context: RunContext[AgentDeps],
    name: Annotated[str, Field(description="The name of a definition, qualified or not.")],
) -> ToolReturn[str]:
    """Find where a definition is called. Calls are matched by the last part of the name."""
    wanted = _bare_name(name)
    if not wanted:
        return _words("Give the name of a definition.")
    sites = _look(lambda: context.deps.index.callers(wanted, limit=MOST_CALL_SITES))
    return _found(sites, list_call_sites, f"No call of {wanted!r} was found in the index.")


def code_tools() -> list[Tool[AgentDeps]]:
    """The five tools, as pydantic-ai takes them."""
    functions: list[Callable[..., Awaitable[ToolReturn[str]]]] = [
        search_code,
        read_file,
        list_files,
        find_symbol,
        find_callers,
    ]
    return [Tool(function, takes_ctx=True) for function in functions]


def _look(ask: Callable[[], _Found]) -> _Found:
    try:
        return ask()
    except Exception as error:
        _log.warning("the code index failed", exc_info=True)
        raise ToolFailed("The code index cannot be read right now. Say so in the answer.") from error


def _found(found: Sequence[Any], show: Callable[[Any], str], if_none: str) -> ToolReturn[str]:
    return ToolReturn(show(found), metadata=list(found)) if found else _words(if_none)


def _words(text: str) -> ToolReturn[str]:
    return ToolReturn(text, metadata=[])


def _why_unread(path: str, start: int, namesakes: Sequence[str]) -> str:
    if not namesakes:
        return f"There is no {path!r} with a line {start} in the index. List or search files first."
    words = [f"{path!r} means several files."]
    told_apart = [repr(name) for name in namesakes if namesakes.count(name) == 1]
    if told_apart:
        words.append(f"Read {' or '.join(told_apart)}.")
    if len(told_apart) < len(namesakes):
        words.append(
            "Repositories of this conversation have the same name: their versions cannot be told apart."
        )
    return " ".join(words)


def _bare_name(name: str) -> str:
    return name.strip().strip("`").removesuffix("()").strip()[:_LONGEST_QUERY]
