"""Where the commands find the server and its token."""

import json
from pathlib import Path

import pytest

from riverrun.cli.client_errors import NotSetUp
from riverrun.cli.server_address import ServerAddress, find_server


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIVERRUN_URL", raising=False)
    monkeypatch.delenv("RIVERRUN_TOKEN", raising=False)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "client.json").write_text(json.dumps({"base_url": "http://127.0.0.1:8001", "token": "t"}))
    return tmp_path


def test_what_up_wrote_is_enough(written: Path) -> None:
    assert find_server(written) == ServerAddress("http://127.0.0.1:8001", "t")


def test_the_environment_goes_first(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_URL", "https://other.example/")
    monkeypatch.setenv("RIVERRUN_TOKEN", "other")
    assert find_server(written) == ServerAddress("https://other.example", "other")


def test_the_written_token_never_goes_to_another_server(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVERRUN_URL", "https://other.example")
    with pytest.raises(NotSetUp, match=r"riverrun login https://other\.example"):
        find_server(written)


def test_without_a_server_the_words_say_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp, match="riverrun up"):
        find_server(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "client.json").write_text("{")
    with pytest.raises(NotSetUp, match=r"client\.json"):
        find_server(tmp_path)


def test_an_address_that_is_no_url_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_URL", "localhost:8001")
    monkeypatch.setenv("RIVERRUN_TOKEN", "t")
    with pytest.raises(NotSetUp, match="http://"):
        find_server(tmp_path)
