import os

import pytest

from riverrun.embedded import unprivileged
from riverrun.embedded.unprivileged import account_for, can_reach

STRANGER = 54321


@pytest.mark.parametrize(
    ("mode", "owner", "group", "reaches"),
    [
        (0o700, STRANGER, 0, True),
        (0o077, STRANGER, STRANGER, False),
        (0o010, 0, STRANGER, True),
        (0o707, 0, STRANGER, False),
        (0o701, 0, 0, True),
        (0o770, 0, 0, False),
    ],
)
def test_the_first_of_owner_group_and_others_that_fits_decides(mode, owner, group, reaches):
    folder = os.stat_result((mode, 0, 0, 0, owner, group, 0, 0, 0, 0))
    assert unprivileged.may_pass(STRANGER, STRANGER, folder) is reaches


def test_one_closed_folder_on_the_way_is_enough(tmp_path):
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not can_reach(STRANGER, STRANGER, inner / "file")
    assert can_reach(STRANGER, STRANGER, type(tmp_path)("/file"))


def test_an_ordinary_user_runs_the_servers_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account_for(tmp_path) is None


def test_root_runs_them_as_an_account_that_is_there_already(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "closed").mkdir(mode=0o700)
    account = account_for(tmp_path / "closed" / "postgres")
    assert account.user != 0
    assert account.keep_file_access
