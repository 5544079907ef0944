"""What `riverrun up` makes of its options."""

from pathlib import Path

import pytest

from riverrun.cli.up import settings_with


def test_a_data_folder_that_the_shell_did_not_expand_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_with(data_dir=Path("~/rivers")).data_dir == tmp_path / "rivers"


def test_options_win_over_variables_and_leave_the_rest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIVERRUN_PORT", "1234")
    monkeypatch.setenv("RIVERRUN_HOST", "127.0.0.2")
    settings = settings_with(port=0, host=None, data_dir=None)
    assert (settings.port, settings.host) == (0, "127.0.0.2")
    assert "allow_local_paths" not in settings.model_fields_set
