"""Settings as an operator writes them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from riverrun.infra.settings import Settings


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


def test_a_home_of_nobody_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVERRUN_DATA_DIR", "~nobody-of-this-name/rivers")
    with pytest.raises(ValidationError, match="home of a user who is not known here"):
        Settings(_env_file=None)
