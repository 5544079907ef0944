"""A helper program of a benchmark: a process that gets commands and gives answers, a line of JSON each."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from bench.environment import SCRIPTS
from bench.forked import ForkedProcess


class Child:
    """A running ``python -m module``; it ends when its standard input does, at the latest on leaving the context.

    ``is_forked`` begins it as a copy of this process: sooner, where nothing is measured.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        log: Any = None,
        is_forked: bool = False,
    ) -> None:
        self.module = module
        own = {**(environment or os.environ), "PYTHONPATH": SCRIPTS}
        self.process: subprocess.Popen[str] | ForkedProcess = (
            ForkedProcess(module, arguments, own, log)
            if is_forked
            else subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=own,
            )
        )

    def ask(self, do: str, **fields: Any) -> Any:
        """Give a command and wait for its answer."""
        self.tell(do, **fields)
        return self.hear()

    def tell(self, do: str, **fields: Any) -> None:
        """Give a command whose answer is heard later."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """The next answer.

        Raises:
            RuntimeError: the program ended, or it says that something went wrong.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.module} ended with {self.process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{self.module}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.process.kill()
        self.close()
