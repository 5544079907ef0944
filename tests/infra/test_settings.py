"""Settings as an operator writes them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from riverrun.infra.settings import MissingSetting, Settings


@pytest.mark.parametrize("from_file", [True, False])
def test_a_data_folder_below_home_is_found_there(
    from_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    env_file = tmp_path / ".env"
    if from_file:
        monkeypatch.delenv("RIVERRUN_DATA_DIR", raising=False)
        env_file.write_text("RIVERRUN_DATA_DIR=~/rivers\n")
    else:
        monkeypatch.setenv("RIVERRUN_DATA_DIR", "~/rivers")
    assert Settings(_env_file=env_file).data_dir == tmp_path / "rivers"


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "postgresql://127.0.0.1:port/rr", "postgresql://h:70000/rr", "localhost:5432/rr", "x"],
)
def test_what_is_no_address_of_a_postgres_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValidationError, match="postgresql://user:password@host:5432/name"):
        Settings(_env_file=None, database_url=url)


@pytest.mark.parametrize(
    "url", ["postgres://h/rr", "postgresql+psycopg://u:p@h/rr", "postgresql:///rr?host=/run/pg"]
)
def test_addresses_of_a_postgres_come_in_many_forms(url: str) -> None:
    assert Settings(_env_file=None, database_url=url).database_url == url


@pytest.mark.parametrize("url", ["https://h.example/pre", "https://h.example/?x=1", "https://h.example#x"])
def test_a_public_address_below_the_root_of_its_host_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="root of a host"):
        Settings(_env_file=None, public_url=url)


def test_a_home_of_nobody_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_DATA_DIR", "~nobody-of-this-name/rivers")
    with pytest.raises(ValidationError, match="home of a user who is not known here"):
        Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("LOG_LEVEL", "LOUD"),
        ("MAX_ATTEMPTS", "0"),
        ("LEASE_SECONDS", "inf"),
        ("LEASE_SECONDS", "nan"),
        ("EXTRACTIVE_DELAY_MS", "nan"),
        ("CLONE_TIMEOUT_SECONDS", "0"),
        ("MAX_QUESTION_CHARS", "0"),
        ("MAX_WAITING_RUNS", "-1"),
        ("PUBLIC_URL", "foo"),
        ("SUBSCRIPTION_BASE_URL", "nope"),
        ("REDIS_URL", "nonsense"),
        ("SECRET_KEYS", "foo"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_once(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RIVERRUN_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None)
    (error,) = caught.value.errors()
    assert name.lower() in str(error["loc"][0]).lower()


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_a_variable_set_to_nothing_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"RIVERRUN_{name.upper()}", "")
    assert name not in Settings(_env_file=None).model_fields_set


def test_the_public_address_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_PUBLIC_URL", "https://riverrun.example/")
    assert Settings(_env_file=None).base_url == "https://riverrun.example"


def test_an_env_file_of_another_project_is_told_in_words(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(b"# caf\xe9\nAPP_KEY=1\n")
    with pytest.raises(MissingSetting, match=r"\.env of this folder cannot be read"):
        Settings(_env_file=env_file)
