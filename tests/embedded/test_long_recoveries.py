"""A server that needs long for what is on its disk is told of and left alone."""

import psutil
import psycopg
import pytest
import redis
from tests.support.waiting import wait_until

from riverrun.embedded import EmbeddedError, EmbeddedServers, postgres_server, server_process
from riverrun.embedded.valkey_server import ValkeyServer

KEYS = 15_000
STILL = "{} is still recovering; it is left alone until it is ready."


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    """What takes a minute on a slow disk takes a moment here."""
    monkeypatch.setattr(server_process, "RECOVERY_SECONDS", 0.0)
    monkeypatch.setattr(server_process, "START_SECONDS", 1.0)


@pytest.fixture
def slow_postgres(monkeypatch, data_dir):
    """From now on a Postgres of that folder recovers until the file is there that this returns."""
    monkeypatch.setitem(postgres_server.SETTINGS, "wal_level", "replica")
    go = data_dir / "go"

    def slow():
        (data_dir / "postgres" / "recovery.signal").touch()
        command = f"for turn in $(seq 1200); do test -e '{go}' && break; sleep 0.05; done; false"
        monkeypatch.setitem(postgres_server.SETTINGS, "restore_command", command)
        return go

    return slow


def trouble(servers):
    """What keeps the servers from coming back; nothing once they are there."""
    try:
        return "" if servers.revive() else None
    except EmbeddedError as error:
        return str(error)


def test_a_postgres_that_recovers_is_not_killed_however_long_it_takes(data_dir, slow_postgres):
    with EmbeddedServers.start(data_dir, durable=False) as servers:
        go = slow_postgres()
        for pid in servers.pids.values():
            psutil.Process(pid).kill()
        told = [trouble(servers) for _ in range(3)]
        wait_until(lambda: told.append(trouble(servers)) or told.count(STILL.format("Postgres")) >= 5)
        recovering = servers.pids["postgres"]
        with redis.Redis.from_url(servers.redis_url) as client:
            assert wait_until(lambda: trouble(servers) and client.ping())
        go.touch()
        wait_until(lambda: trouble(servers) == "")
        assert servers.pids["postgres"] == recovering
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_start_waits_for_a_recovery_and_says_so_once(data_dir, slow_postgres):
    EmbeddedServers.start(data_dir, durable=False).stop()
    go = slow_postgres()
    said = []

    def say(line):
        said.append(line)
        if "Postgres" in line:
            go.touch()

    with EmbeddedServers.start(data_dir, durable=False, say=say) as servers:
        assert said.count(STILL.format("Postgres")) == 1
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_valkey_that_reads_its_file_is_not_killed(data_dir, monkeypatch):
    with EmbeddedServers.start(data_dir, durable=False) as servers:
        with redis.Redis.from_url(servers.redis_url) as client, client.pipeline() as pipeline:
            for number in range(KEYS):
                pipeline.set(f"key {number}", number)
            pipeline.execute()
        usual = ValkeyServer._configuration
        slow = "key-load-delay 200\n"  # in microseconds; it answers between each 1,024 keys
        monkeypatch.setattr(ValkeyServer, "_configuration", lambda self: usual(self) + slow)
        psutil.Process(servers.pids["valkey"]).kill()
        wait_until(lambda: trouble(servers) == STILL.format("Valkey"))
        recovering = servers.pids["valkey"]
        wait_until(lambda: trouble(servers) == "")
        assert servers.pids["valkey"] == recovering
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.dbsize() == KEYS
