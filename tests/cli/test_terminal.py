"""How a command ends badly."""

import pytest
import typer
from pydantic import BaseModel, ValidationError

from riverrun.cli.client_errors import ApiProblem, Interrupted, ServerUnreachable
from riverrun.cli.outcome import error_in_words, receipt_in_words
from riverrun.cli.terminal import ends_in_words


class Port(BaseModel):
    port: int


def invalid_settings() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Port.model_validate({"port": "abc"})
    return caught.value


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (ApiProblem(422, "Not valid", "ask [something]\nshorter"), 1, "Not valid: ask [something] shorter"),
        (ServerUnreachable("http://127.0.0.1:1", "refused"), 3, "start one with: riverrun up"),
        (Interrupted("stopped"), 130, "stopped"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (invalid_settings(), 1, "RIVERRUN_PORT: "),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: BaseException, exit_code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @ends_in_words
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("riverrun: ")
    assert words in line


def test_a_bug_of_ours_is_not_hidden() -> None:
    @ends_in_words
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_errors_of_runs_are_told_by_title_and_detail() -> None:
    assert (
        error_in_words({"title": "Empty repository", "detail": "No files."}) == "Empty repository: No files."
    )
    assert error_in_words({"title": "Same", "detail": "Same"}) == "Same"
    assert error_in_words("just words") == "just words"
    assert error_in_words(None) == "the run failed"


def test_receipts_say_what_is_saved() -> None:
    assert "312 characters" in receipt_in_words({"status": "cancelled", "chars": 312})
    assert "nothing had been written" in receipt_in_words({"status": "cancelled", "chars": 0})
    assert "had ended: completed" in receipt_in_words({"status": "completed", "chars": 9})
    assert "not answered yet" in receipt_in_words({"status": "running", "chars": 0})
