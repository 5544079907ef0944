"""Keys come from the setting or the data folder's file, and from nowhere else."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from riverrun.cli.secret_key_file import ensure_key_file, read_keys
from riverrun.infra.secret_keys import key_file, open_secret_box
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.secrets_at_rest import BadKey, SecretKey, place_of

HERE = place_of("table", "column", 1)


def settings(data_dir: Path, keys: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, secret_keys=SecretStr(keys) if keys else None)


def test_the_first_start_makes_a_key_that_later_ones_find(tmp_path: Path) -> None:
    given = settings(tmp_path)
    ensure_key_file(given)
    sealed = open_secret_box(given).seal("secret", HERE)
    ensure_key_file(given)
    assert open_secret_box(given).open(sealed, HERE) == "secret"
    assert key_file(given).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-keys"]


def test_two_first_starts_make_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(tmp_path)
    ensure_key_file(given)
    (made,) = read_keys(key_file(given))
    with monkeypatch.context() as late:
        late.setattr(Path, "exists", lambda self: False)
        ensure_key_file(given)
    assert read_keys(key_file(given)) == [made]
    assert [path.name for path in tmp_path.iterdir()] == ["secret-keys"]


def test_the_operators_keys_come_before_the_file_which_is_then_not_made(tmp_path: Path) -> None:
    given = settings(tmp_path, str(SecretKey.random("mine")))
    ensure_key_file(given)
    assert open_secret_box(given).key_id == "mine"
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(MissingSetting, match="RIVERRUN_SECRET_KEYS"):
        open_secret_box(settings(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a:short"])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: bytes) -> None:
    given = settings(tmp_path)
    key_file(given).write_bytes(content)
    with pytest.raises(BadKey):
        open_secret_box(given)
