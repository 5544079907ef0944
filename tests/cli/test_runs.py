"""The list of runs: one line a run, its id whole, also where a terminal has 80 columns."""

from io import StringIO
from uuid import uuid4

from rich.console import Console

from riverrun.cli.runs import _table


def test_a_long_question_is_cut_and_an_id_is_not() -> None:
    ids = [str(uuid4()) for _ in range(3)]
    runs = [
        {
            "run_id": run_id,
            "kind": "indexing",
            "status": "completed",
            "started_at": "2026-11-24T13:20:09.123456Z",
            "title": "How are the middlewares wrapped\naround the application?",
        }
        for run_id in ids
    ]
    shown = StringIO()
    Console(file=shown, width=80).print(_table(runs))
    _, *lines = shown.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ids
    assert all("How are" in line and line.rstrip().endswith("…") for line in lines)
