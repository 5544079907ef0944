"""Each trouble ends in one clear sentence, and leaves nothing running."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from riverrun.embedded import EmbeddedError, EmbeddedServers, binaries, data_folder
from riverrun.embedded.data_folder import DataFolder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


def trouble(data_dir):
    """What the operator reads when the servers cannot start there."""
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedServers.start(data_dir, durable=False)
    assert set(psutil.Process().children(recursive=True)) <= before
    return str(caught.value)


def test_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used (Not a directory)" in trouble(tmp_path / "file" / "data")
    assert "RIVERRUN_DATA_DIR" in trouble(tmp_path / "file" / "data")


def test_a_folder_that_nobody_may_write_to():
    assert "cannot be used" in trouble(Path("/proc/riverrun"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("name", ["logs", "owner.lock", "postgres.lock"])
def test_what_root_left_behind_is_named_to_another_user(name):
    shared = Path(tempfile.mkdtemp())  # below folders that everybody may enter
    try:
        DataFolder(shared).prepare()
        roots = shared / name
        roots.touch(exist_ok=True)
        roots.chmod(0o700)
        for path in {shared, *shared.iterdir()} - {roots}:
            os.chown(path, NOBODY, NOBODY)
        said = trouble_of_nobody(shared)
        assert said.startswith(str(roots))
        assert "cannot be used (Permission denied)" in said
    finally:
        shutil.rmtree(shared)


NOBODY = 65534


def trouble_of_nobody(data_dir):
    """What that user reads, in a process of its own."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            EmbeddedServers.start(data_dir, durable=False)
        except Exception as error:
            os.write(write_end, f"{'' if isinstance(error, EmbeddedError) else type(error)}{error}".encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as said:
        os.waitpid(child, 0)
        return said.read()


def test_a_path_that_is_too_long(tmp_path):
    assert "longer than 800 bytes" in trouble(tmp_path.joinpath(*["x" * 100] * 9))


def test_a_cluster_of_another_release(tmp_path):
    DataFolder(tmp_path).passwords()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    assert "made by PostgreSQL 12, but PostgreSQL 18 is installed" in trouble(tmp_path)


def test_a_folder_of_somebody_else_in_the_clusters_place_stays_untouched(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").write_text("years of work")
    assert "no database of ours" in trouble(tmp_path)
    assert (tmp_path / "postgres" / "thesis.txt").read_text() == "years of work"


def test_a_damaged_password_file(tmp_path):
    (tmp_path / "passwords.json").write_text('{"postgres": ')
    assert "passwords.json is damaged" in trouble(tmp_path)


def test_a_password_file_of_another_shape(tmp_path):
    (tmp_path / "passwords.json").write_text(json.dumps({"unknown": "x"}))
    assert "passwords.json is damaged" in trouble(tmp_path)


def test_passwords_that_are_lost_beside_a_database_are_not_replaced(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    assert "passwords.json is missing: put it back from a backup" in trouble(tmp_path)
    assert not (tmp_path / "passwords.json").exists()


def test_a_first_start_that_was_cut_before_the_database_was_made_goes_on(tmp_path):
    (tmp_path / "postgres.unfinished").mkdir()
    folder = DataFolder(tmp_path)
    made = folder.passwords()
    assert folder.passwords() == made


@as_root
def test_a_copy_that_lost_its_owners_names_them(tmp_path):
    DataFolder(tmp_path).passwords()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    words = trouble(tmp_path)
    assert "postgres belongs to root, but Postgres runs as " in words
    assert re.search(rf"chown -R \w+ {tmp_path}/postgres", words)


def test_programs_that_are_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(binaries, "package_folder", lambda name: None)
    monkeypatch.setattr(binaries, "postgres_folders_of_the_system", list)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match=r"No PostgreSQL program .* RIVERRUN_DATABASE_URL"):
        binaries.find_postgres_folder()
    with pytest.raises(EmbeddedError, match=r"No Valkey program .* RIVERRUN_REDIS_URL"):
        binaries.find_valkey_server()


def test_programs_on_path_serve_where_the_wheels_have_none(tmp_path, monkeypatch):
    packaged = binaries.find_valkey_server()
    (tmp_path / "valkey-server").symlink_to(packaged)
    monkeypatch.setattr(binaries, "package_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.find_valkey_server() == tmp_path / "valkey-server"


def test_a_program_that_does_not_run_here(tmp_path):
    broken = tmp_path / "postgres"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    with pytest.raises(EmbeddedError, match="does not run on this machine"):
        binaries.version_of(broken)


def test_a_disk_with_little_room(tmp_path, monkeypatch):
    monkeypatch.setattr(data_folder, "LEAST_FREE_BYTES", shutil.disk_usage(tmp_path).total * 2)
    assert "is full" in trouble(tmp_path / "data")


@contextmanager
def small_disk(folder, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@as_root
def test_a_disk_that_is_full_to_the_last_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(data_folder, "LEAST_FREE_BYTES", 0)
    with small_disk(tmp_path, "1m") as disk:
        (disk / "ballast").write_bytes(b"x" * (1_048_576 - 8192))
        assert "is full" in trouble(disk / "data")


@as_root
def test_a_disk_that_fills_up_while_the_cluster_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(data_folder, "LEAST_FREE_BYTES", 0)
    with small_disk(tmp_path, "16m") as disk:
        assert "disk is full" in trouble(disk / "data")
        assert not DataFolder(disk / "data").postgres.exists()
