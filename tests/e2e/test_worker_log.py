"""Each line that a worker logs in the middle of a run says of which."""

import re
from pathlib import Path

import pytest
from tests.support.indexing import index_folder
from tests.support.reading import ask, read_all
from tests.support.scripted_model import NAME, Script, scripted_model
from tests.support.stacks import open_stack

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ASKED_THE_MODEL = re.compile(r"\[run (\S+)\] HTTP Request: POST \S+/chat/completions")
"""Logged by the model's client, on the worker's own loop."""


def test_each_run_of_one_worker_process_is_named_in_its_lines(tmp_path: Path) -> None:
    source = tmp_path / "repository"
    source.mkdir()
    (source / "tide.py").write_text("def rise(metres: float) -> float:\n    return metres + 1\n")
    with (
        scripted_model() as model,
        open_stack(
            tmp_path / "data",
            RIVERRUN_MODEL=NAME,
            RIVERRUN_MODEL_BASE_URL=model.base_url,
            RIVERRUN_CHAT_CONCURRENCY=1,
        ) as stack,
        RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client,
    ):
        project_id = index_folder(client, source)["id"]
        run_ids = [ask(client, project_id, Script(f"q{number}", pieces=2).question) for number in range(3)]
        for run_id in run_ids:
            read_all(client, run_id)
        log = "\n".join(path.read_text() for path in (tmp_path / "data" / "logs").glob("*.log"))
    assert sorted(ASKED_THE_MODEL.findall(log)) == sorted(run_ids)
