"""``riverrun secrets``: a key for the operator, and everything under a new one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, Text, insert, select
from typer.testing import CliRunner

from riverrun.cli import secrets as commands
from riverrun.cli.secret_key_file import read_keys
from riverrun.infra.encrypted_columns import ENCRYPTED, encrypted_columns
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.secret_keys import key_file
from riverrun.infra.settings import Settings
from riverrun.infra.worker_readiness import ready_key
from riverrun.kit.secrets_at_rest import SecretBox, SecretKey

OLD, NEW = SecretKey.random("old"), SecretKey.random("new")

planted = MetaData()
tokens = Table(
    "planted_tokens",
    planted,
    Column("id", Text, primary_key=True),
    Column("refresh_token", Text, info=ENCRYPTED),
)
(COLUMN,) = encrypted_columns(planted)


@pytest.fixture
def database(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """The operator's database with one secret under the old key, and nothing else set."""
    monkeypatch.setattr(commands, "metadata", planted)
    monkeypatch.setenv("RIVERRUN_DATABASE_URL", database_url)
    monkeypatch.setenv("RIVERRUN_DATA_DIR", str(tmp_path))
    planted.create_all(engine)
    with engine.begin() as connection:
        sealed = SecretBox([OLD]).seal("secret", COLUMN.place("row"))
        connection.execute(insert(tokens).values(id="row", refresh_token=sealed))
    yield engine
    planted.drop_all(engine)


def sealed_in(engine: Engine) -> str:
    with engine.begin() as connection:
        return str(connection.scalar(select(tokens.c.refresh_token)))


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands.secrets, list(words))
    return result.exit_code, result.output


def test_a_new_key_can_be_put_into_the_setting_as_it_is_printed(tmp_path: Path) -> None:
    code, words = run("new-key")
    assert code == 0
    assert SecretBox.parse(words).key_id == words.partition(":")[0]
    assert words != run("new-key")[1]


def test_the_settings_first_key_takes_everything_over(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVERRUN_SECRET_KEYS", f"{NEW},{OLD}")
    code, words = run("rotate")
    assert (code, words) == (0, "1 secrets were sealed anew; all are under the key new\n")
    assert SecretBox([NEW]).open(sealed_in(database), COLUMN.place("row")) == "secret"
    assert run("rotate")[1].startswith("0 secrets")


def test_without_the_old_key_nothing_changes_and_the_words_name_it(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVERRUN_SECRET_KEYS", str(NEW))
    code, words = run("rotate")
    assert code != 0
    assert "key old" in words
    assert SecretBox([OLD]).open(sealed_in(database), COLUMN.place("row")) == "secret"


def test_the_data_folders_file_gets_a_new_key_and_keeps_the_last_for_processes_that_know_no_other(
    database: Engine, tmp_path: Path
) -> None:
    path = key_file(Settings(_env_file=None, data_dir=tmp_path))
    path.write_text(f"{OLD}\n{NEW}\n")
    code, words = run("rotate")
    assert code == 0, words
    made, kept = read_keys(path)
    assert made.id in words
    assert kept.id == "old"
    assert SecretBox([made]).open(sealed_in(database), COLUMN.place("row")) == "secret"


def test_while_workers_report_on_the_operators_redis_nothing_is_sealed_anew(
    database: Engine, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = key_file(Settings(_env_file=None, data_dir=tmp_path))
    path.write_text(f"{OLD}\n")
    monkeypatch.setenv("RIVERRUN_REDIS_URL", redis_url)
    with open_redis(redis_url) as redis:
        redis.set(ready_key("chats"), "ready")
        code, words = run("rotate")
        assert code != 0
        assert "stop Riverrun first" in words
        assert [key.id for key in read_keys(path)] == ["old"]
        redis.delete(ready_key("chats"))
    assert run("rotate")[0] == 0


def test_with_the_servers_of_the_folder_the_old_key_leaves_the_file(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "metadata", MetaData())
    monkeypatch.setenv("RIVERRUN_DATA_DIR", str(data_dir))
    data_dir.mkdir()
    path = key_file(Settings(_env_file=None, data_dir=data_dir))
    path.write_text(f"{OLD}\n")
    code, words = run("rotate")
    assert code == 0, words
    assert "old" not in [key.id for key in read_keys(path)]


def test_when_sealing_fails_both_keys_stay_in_the_file(database: Engine, tmp_path: Path) -> None:
    path = key_file(Settings(_env_file=None, data_dir=tmp_path))
    path.write_text(f"{NEW}\n")
    assert run("rotate")[0] != 0
    assert [key.id for key in read_keys(path)][1:] == ["new"]


def test_a_setting_of_no_use_is_said_to_be_one(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_SECRET_KEYS", "short:AAAA")
    code, words = run("rotate")
    assert code != 0
    assert "3 bytes" in words
    assert "AAAA" not in words
