"""What a person sees of an answer."""

import io

import pytest
from rich.console import Console

from riverrun.cli.event_fold import EventFold, RunEvent
from riverrun.cli.progress_view import open_progress
from riverrun.cli.render import open_view


def text(seq: int, words: str, attempt: int = 1) -> RunEvent:
    return RunEvent(f"{attempt}-{seq}", "text", {"seq": seq, "attempt": attempt, "text": words})


def progress(seq: int, phase: str, done: int, total: int) -> RunEvent:
    data = {"seq": seq, "attempt": 1, "phase": phase, "done": done, "total": total, "unit": "files"}
    return RunEvent(f"1-{seq}", "progress", data)


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None, highlight=False)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_in_a_pipe_the_text_comes_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    fold = EventFold()
    with open_view(Console(file=io.StringIO())) as view:
        for seq, words in enumerate(("# A *title*\n\n", "  and [red]text[/]", " 🦊"), 1):
            fold.apply(text(seq, words))
            view.show(fold)
    assert capsys.readouterr().out == "# A *title*\n\n  and [red]text[/] 🦊\n"


def test_in_a_pipe_a_text_that_was_taken_back_is_said_and_printed_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fold = EventFold()
    with open_view(Console(file=io.StringIO())) as view:
        for event in (
            text(1, "kept "),
            text(2, "lost"),
            RunEvent("2-2", "attempt", {"seq": 2, "attempt": 2, "keeps_seq": 1}),
            text(3, "new", attempt=2),
        ):
            fold.apply(event)
            view.show(fold)
    told = capsys.readouterr()
    assert told.out == "kept lost\nkept new\n"
    assert told.err == "riverrun: the answer goes on from an earlier place\n"


def test_on_a_terminal_each_closed_block_is_printed_once(terminal: Console) -> None:
    fold = EventFold()
    with open_view(terminal) as view:
        for seq, words in enumerate(("first para", "graph\n\nsecond", " one\n\n", "third"), 1):
            fold.apply(text(seq, words))
            view.show(fold)
    assert written(terminal).count("first paragraph") == 1
    assert written(terminal).rstrip().endswith("third")


def test_on_a_terminal_markup_in_an_answer_or_a_remark_is_only_text(terminal: Console) -> None:
    fold = EventFold()
    with open_view(terminal) as view:
        fold.apply(text(1, "see [src/a.py:1-2] and [bold]this[/bold]\n\n."))
        view.show(fold)
        view.notice("lost [/nothing]")
    assert "[src/a.py:1-2] and [bold]this[/bold]" in written(terminal)
    assert "lost [/nothing]" in written(terminal)


def test_a_pipe_names_each_phase_of_an_indexing_once() -> None:
    console = Console(file=io.StringIO(), highlight=False)
    fold = EventFold()
    with open_progress(console) as view:
        for event in (
            progress(1, "scanning", 1, 0),
            progress(2, "parsing", 1, 12),
            progress(3, "parsing", 12, 12),
        ):
            fold.apply(event)
            view.show(fold)
    assert written(console) == "scanning\nparsing 12 files\n"


def test_a_terminal_shows_a_bar_for_each_phase(terminal: Console) -> None:
    fold = EventFold()
    with open_progress(terminal) as view:
        for event in (
            progress(1, "scanning", 1, 0),
            progress(2, "parsing", 12, 12),
            RunEvent("1-3", "end", {"seq": 3, "attempt": 1, "status": "completed"}),
        ):
            fold.apply(event)
            view.show(fold)
    assert "12/12 files" in written(terminal)
    assert "queued" not in written(terminal).splitlines()[-1]
