"""Stacks of a test's own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from riverrun.cli.stack import Stack
from riverrun.infra.settings import Settings


@contextmanager
def open_stack(data_dir: Path, **environment: object) -> Iterator[Stack]:
    """A stack on a free port with these variables set in its processes' environment."""
    variables = {name: str(value) for name, value in environment.items()}
    with (
        mock.patch.dict(os.environ, variables),
        Stack(Settings(data_dir=data_dir, port=0)) as stack,
    ):
        yield stack
