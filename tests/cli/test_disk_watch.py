import shutil

from riverrun.cli import disk_watch
from riverrun.cli.disk_watch import DiskWatch


def test_a_full_disk_is_told_once_and_once_that_there_is_room_again(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_watch, "PAUSE_SECONDS", 0)
    watch = DiskWatch(tmp_path)
    assert watch.look() is None
    monkeypatch.setattr(disk_watch, "LEAST_FREE_BYTES", 10**18)
    assert f"The disk of {tmp_path} is full" in watch.look()
    assert watch.look() is None
    monkeypatch.setattr(disk_watch, "LEAST_FREE_BYTES", 0)
    assert "room again" in watch.look()
    assert watch.look() is None


def test_a_disk_at_the_edge_is_not_told_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_watch, "PAUSE_SECONDS", 0)
    watch = DiskWatch(tmp_path)
    monkeypatch.setattr(disk_watch, "LEAST_FREE_BYTES", 10**18)
    assert "is full" in watch.look()
    monkeypatch.setattr(disk_watch, "LEAST_FREE_BYTES", shutil.disk_usage(tmp_path).free * 3 // 4)
    assert watch.look() is None


def test_it_looks_now_and_then_only(tmp_path, monkeypatch):
    watch = DiskWatch(tmp_path)
    assert watch.look() is None
    monkeypatch.setattr(disk_watch, "LEAST_FREE_BYTES", 10**18)
    assert watch.look() is None
