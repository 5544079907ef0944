"""The other end of a ``Child``: commands from standard input, answers to standard output."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Answer = Callable[..., Awaitable[Any]]


def commands() -> Iterator[tuple[str, dict[str, Any]]]:
    """Commands as they come, each with its fields, until there will be none any more."""
    for line in sys.stdin:
        fields = json.loads(line)
        yield fields.pop("do"), fields


def answer(value: Any) -> None:
    """One line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def serve_commands(find: Callable[[str], Answer]) -> None:
    """The same on a loop: ``find`` knows a coroutine function a command. A failure is the answer to its command."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        fields = json.loads(line)
        try:
            answer(await find(fields.pop("do"))(**fields))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})
