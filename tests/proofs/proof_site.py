"""The whole stack as processes with a fake model beside it, for proofs that ask real questions."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.proofs.playing_model import Piece, Play, PlayingModel
from tests.support.indexing import index_folder
from tests.support.reading import ask
from tests.support.stacks import open_stack

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack

SOURCE = 'def answer() -> int:\n    """What everybody asks for."""\n    return 42\n'


class ProofSite:
    """Everything up inside ``with``; one small repository is indexed."""

    def __init__(self, folder: Path, **environment: object) -> None:
        self.model = PlayingModel()
        self.project_id = ""
        self._folder = folder
        self._environment = environment
        self._outer = ExitStack()
        self._inner = ExitStack()
        self.stack: Stack
        self.client: RiverrunClient

    def __enter__(self) -> Self:
        with ExitStack() as failing:
            failing.callback(self.__exit__)
            self._outer.enter_context(self.model)
            source = self._folder / "source"
            source.mkdir(parents=True)
            (source / "deep_thought.py").write_text(SOURCE)
            self._open()
            self.project_id = index_folder(self.client, source)["id"]
            failing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.close()
        self._outer.close()

    def restart(self) -> None:
        """End API, workers, Valkey and Postgres, and start them again on what they left."""
        self._inner.close()
        self._open()

    def ask(self, name: str, *answers: Sequence[Piece]) -> tuple[str, Play]:
        """A question in a conversation of its own, which the model answers so; its run, and what the model did."""
        play = self.model.learn(name, *answers)
        return ask(self.client, self.project_id, f"What is the answer? #{name}."), play

    def _open(self) -> None:
        variables: dict[str, Any] = {
            "RIVERRUN_MODEL": "fake",
            "RIVERRUN_MODEL_BASE_URL": self.model.base_url,
            "RIVERRUN_POSTS_PER_MINUTE": 0,
            "RIVERRUN_STREAMS_PER_MINUTE": 0,
            **self._environment,
        }
        self._inner = ExitStack()
        self.stack = self._inner.enter_context(open_stack(self._folder / "data", **variables))
        address = ServerAddress(self.stack.base_url, self.stack.token)
        self.client = self._inner.enter_context(RiverrunClient(address))
