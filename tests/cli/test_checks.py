import asyncio
import json
import os
import socket
import sys

import pytest
import redis
from pydantic import SecretStr
from tests.agents.fake_model_server import fake_model_server, finish, refuses, streams, text
from tests.support.revisions import NEWER, OLDER, set_revision

from riverrun.cli import checks
from riverrun.cli.checks import Verdict, examine
from riverrun.cli.listen_address import choose_free_port
from riverrun.cli.server_address import CLIENT_FILE
from riverrun.infra.settings import Settings
from riverrun.infra.worker_readiness import ready_key

WHOLE_MAIL = {
    "email_api_url": "https://mail.example",
    "email_api_key": "re_secret",
    "email_from": "Us <us@example.org>",
}


@pytest.fixture
def settings(tmp_path):
    """Nothing set, nothing running, a free port."""
    return Settings(_env_file=None, data_dir=tmp_path / "data", port=choose_free_port("127.0.0.1"))


@pytest.fixture
def own_servers(settings, database_url, redis_url):
    """Servers that the operator runs."""
    return settings.model_copy(update={"database_url": database_url, "redis_url": redis_url})


def findings(settings):
    return {finding.subject: finding for finding in examine(settings, online=False)}


def things_to_do(settings):
    return {
        subject: finding.words
        for subject, finding in findings(settings).items()
        if finding.verdict is Verdict.TO_DO
    }


def test_a_machine_where_nothing_runs_yet_has_nothing_wrong(settings):
    assert things_to_do(settings) == {}
    assert not settings.data_dir.exists()


def test_the_programs_of_the_wheels_are_named_with_their_versions(settings):
    found = findings(settings)
    assert found["postgres program"].words.startswith("18.")
    assert found["valkey program"].words.startswith("9.")


def test_own_servers_without_workers_and_api(own_servers):
    wrong = things_to_do(own_servers)
    assert set(wrong) == {"worker chats", "worker indexing", "api"}
    assert "riverrun worker --queues chats" in wrong["worker chats"]


def test_workers_that_have_reported_are_ready(own_servers):
    with redis.Redis.from_url(own_servers.redis_url) as client:
        client.set(ready_key("chats"), "ready")
    found = findings(own_servers)
    assert found["worker chats"].verdict is Verdict.OK
    assert found["worker indexing"].verdict is Verdict.TO_DO


def test_the_servers_of_a_running_stack_are_found_by_its_folder(servers, redis_url, settings, database_url):
    running = settings.model_copy(update={"data_dir": servers.folder.root})
    found = findings(running)
    assert found["postgres"].words.startswith("18.")
    assert found["redis"].words.startswith("valkey 9.")
    assert found["tables"].words.endswith("run riverrun migrate")


def test_the_api_of_a_running_stack_is_asked_where_it_was_told_to_listen(
    servers, redis_url, settings, database_url
):
    port = choose_free_port("127.0.0.1")
    file = servers.folder.root / CLIENT_FILE
    file.write_text(json.dumps({"base_url": f"http://127.0.0.1:{port}", "token": "rr_none"}))
    try:
        running = settings.model_copy(update={"data_dir": servers.folder.root})
        assert f"does not answer on port {port}" in findings(running)["api"].words
    finally:
        file.unlink()


def test_no_password_is_shown(own_servers, servers):
    words = " ".join(finding.words for finding in findings(own_servers).values())
    assert servers.folder.passwords().postgres not in words
    assert servers.folder.passwords().valkey not in words


def test_a_database_without_tables_asks_for_the_migration(own_servers, empty_database_url):
    fresh = own_servers.model_copy(update={"database_url": empty_database_url})
    assert "run riverrun migrate" in things_to_do(fresh)["tables"]


@pytest.mark.parametrize(
    ("revision", "advice"), [(OLDER, "run riverrun migrate"), (NEWER, "install that one")]
)
def test_tables_of_an_older_and_of_a_newer_release(own_servers, database_url, revision, advice):
    set_revision(database_url, revision)
    words = things_to_do(own_servers)["tables"]
    assert revision in words
    assert words.endswith(advice)


def test_servers_that_do_not_answer(own_servers):
    port = choose_free_port("127.0.0.1")
    gone = own_servers.model_copy(
        update={
            "database_url": f"postgresql://u:p@127.0.0.1:{port}/x",
            "redis_url": f"redis://127.0.0.1:{port}/0",
        }
    )
    wrong = things_to_do(gone)
    assert "RIVERRUN_DATABASE_URL" in wrong["postgres"]
    assert "RIVERRUN_REDIS_URL" in wrong["redis"]


def test_a_broker_that_does_not_answer_is_named(own_servers):
    gone = own_servers.model_copy(update={"broker_url": "redis://127.0.0.1:1/1"})
    assert things_to_do(gone)["broker"].endswith("check that it runs and RIVERRUN_BROKER_URL")
    assert "redis" not in things_to_do(gone)


def test_a_broker_that_answers_is_fine(own_servers):
    found = findings(own_servers.model_copy(update={"broker_url": own_servers.redis_url}))
    assert found["broker"].verdict is Verdict.OK


@pytest.mark.parametrize("only", ["database_url", "redis_url"])
def test_one_own_server_without_the_other(settings, own_servers, only):
    half = settings.model_copy(update={only: getattr(own_servers, only)})
    words = "set both RIVERRUN_DATABASE_URL and RIVERRUN_REDIS_URL, or neither"
    assert things_to_do(half)["own servers"] == words


def test_a_database_that_is_given_is_not_exchanged_for_that_of_a_running_stack(servers, redis_url, settings):
    given = f"postgresql://u:p@127.0.0.1:{choose_free_port('127.0.0.1')}/x"
    both = settings.model_copy(update={"data_dir": servers.folder.root, "database_url": given})
    assert "RIVERRUN_DATABASE_URL" in things_to_do(both)["postgres"]


def test_passwords_that_are_lost_are_one_thing_to_do(settings):
    (settings.data_dir / "postgres").mkdir(parents=True)
    (settings.data_dir / "postgres" / "PG_VERSION").write_text("18\n")
    assert "passwords.json is missing" in things_to_do(settings)["data folder"]


def test_addresses_that_are_none(own_servers):
    nonsense = own_servers.model_copy(update={"database_url": "nonsense", "redis_url": "nonsense"})
    wrong = things_to_do(nonsense)
    assert "RIVERRUN_DATABASE_URL" in wrong["postgres"]
    assert "RIVERRUN_REDIS_URL" in wrong["redis"]


def test_a_port_that_another_program_uses(settings):
    with socket.create_server(("127.0.0.1", settings.port)):
        assert "in use by another program" in things_to_do(settings)["api"]


def test_a_machine_without_git(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install git" in things_to_do(settings)["git"]


@pytest.mark.parametrize("version", ["1.8.3.1", "2.36.6"])
def test_a_git_that_is_too_old(settings, monkeypatch, tmp_path, version):
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho git version {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "too old" in things_to_do(settings)["git"]


def test_a_data_folder_in_the_place_of_a_file(settings, tmp_path):
    (tmp_path / "file").write_text("")
    misplaced = settings.model_copy(update={"data_dir": tmp_path / "file" / "data"})
    assert "not writable" in things_to_do(misplaced)["data folder"]


def test_a_disk_without_room(settings, monkeypatch):
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 10**18)
    assert "free some space" in things_to_do(settings)["data folder"]


def test_a_model_without_its_key(settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in things_to_do(settings.model_copy(update={"model": "openai:gpt-5"}))["model"]


def test_a_model_with_its_key_is_not_asked_unless_wanted(settings, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nothing")
    model = findings(settings.model_copy(update={"model": "openai:gpt-5"}))["model"]
    assert model.verdict is Verdict.OK
    assert "--online" in model.words


KEY = "sk-very-secret"


@pytest.mark.parametrize(
    ("reply", "verdict", "words"),
    [
        (streams(text("ready"), finish()), Verdict.OK, "answers"),
        (refuses(400, {"message": f"no tools with {KEY}"}), Verdict.TO_DO, "said: no tools with […]"),
        (streams(finish()), Verdict.TO_DO, "The model gave no answer"),
    ],
    ids=["answers", "refuses tools", "silent"],
)
async def test_a_model_that_is_asked_is_asked_as_questions_are(settings, reply, verdict, words):
    async with fake_model_server(reply) as server:
        with_model = settings.model_copy(
            update={"model": "m", "model_base_url": server.base_url, "model_api_key": SecretStr(KEY)}
        )
        found = await asyncio.to_thread(checks.check_model, with_model, online=True)
    assert found.verdict is verdict
    assert words in found.words
    assert KEY not in found.words
    assert server.requests[0]["stream"]
    assert server.requests[0]["tools"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"email_api_url": "https://mail.example"},
            "set RIVERRUN_EMAIL_API_KEY and RIVERRUN_EMAIL_FROM as well",
        ),
        ({"email_api_key": "re_secret"}, "set RIVERRUN_EMAIL_API_URL and RIVERRUN_EMAIL_FROM as well"),
        (
            {"email_from": "Us <us@example.org>"},
            "set RIVERRUN_EMAIL_API_URL and RIVERRUN_EMAIL_API_KEY as well",
        ),
        ({**WHOLE_MAIL, "email_api_url": "http://mail.example"}, "must be an https address"),
        ({**WHOLE_MAIL, "email_api_url": "https://["}, "must be an https address"),
        ({**WHOLE_MAIL, "email_api_url": "mail.example"}, "must be an https address"),
    ],
)
def test_mail_that_is_set_by_halves_is_one_thing_to_do(settings, given, words):
    wrong = things_to_do(Settings(**settings.model_dump(exclude_unset=True) | given, _env_file=None))
    assert set(wrong) == {"mail"}
    assert words in wrong["mail"]
    assert "\n" not in wrong["mail"]
    assert "re_secret" not in wrong["mail"]


def test_mail_that_is_set_is_named_without_its_key(settings):
    found = findings(Settings(**settings.model_dump(exclude_unset=True) | WHOLE_MAIL, _env_file=None))
    assert (found["mail"].verdict, found["mail"].words.split(" as ")[0]) == (
        Verdict.OK,
        "handed in at mail.example",
    )
    assert "re_secret" not in found["mail"].words


@pytest.mark.parametrize(
    ("given", "subject", "words"),
    [
        ({"worker_metrics_port": 9102}, "worker metrics", "RIVERRUN_METRICS_TOKEN"),
        ({"firebase_emulator": "127.0.0.1:9099"}, "sign-in", "must begin with demo-"),
        ({"firebase_emulator": "127.0.0.1:9099", "firebase_project_id": "real"}, "sign-in", "demo-"),
    ],
)
def test_settings_that_do_not_go_together_are_found_before_a_process_starts(settings, given, subject, words):
    wrong = things_to_do(settings.model_copy(update=given))
    assert set(wrong) == {subject}
    assert words in wrong[subject]


def test_a_collector_without_what_sends_to_it_is_found_before_a_process_starts(settings, monkeypatch):
    monkeypatch.delitem(sys.modules, "riverrun.infra.trace_export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    wrong = things_to_do(settings.model_copy(update={"otlp_endpoint": "http://127.0.0.1:4318"}))
    assert set(wrong) == {"traces"}
    assert "riverrun[otel]" in wrong["traces"]
