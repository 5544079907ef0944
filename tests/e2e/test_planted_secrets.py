"""Twenty secrets are given to the whole stack at its most talkative; none is in the database's dump, in Valkey, in a log or in a trace."""

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import redis
from sqlalchemy import Column, MetaData, Table, Text
from tests.support.fake_collector import FakeCollector, Told, fake_collector
from tests.support.indexing import index_folder
from tests.support.reading import ask
from tests.support.stacks import open_stack
from tests.support.waiting import wait_until

from riverrun.cli.client import RiverrunClient
from riverrun.cli.server_address import ServerAddress
from riverrun.cli.stack import Stack
from riverrun.embedded.binaries import find_postgres_folder
from riverrun.infra.database import open_engine
from riverrun.infra.encrypted_columns import ENCRYPTED, encrypted_columns
from riverrun.infra.redis_clients import database_of
from riverrun.kit.secrets_at_rest import SecretBox, SecretKey

KEY = SecretKey.random("e2e")
EMAIL = "somebody@example.org"
VISIBLE = "what-everybody-may-see"
"""Stands in the question, and so in all three places: who looks must be able to find something."""

planted = MetaData()
tokens = Table(
    "planted_tokens",
    planted,
    Column("id", Text, primary_key=True),
    Column("refresh_token", Text, info=ENCRYPTED),
)


class Planted:
    """Secrets by what they are."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {"key of secrets": str(KEY).partition(":")[2]}

    def make(self, what: str) -> str:
        """A secret of the test's own making."""
        return self.keep(what, f"canary-{secrets.token_urlsafe(18)}")

    def keep(self, what: str, secret: str) -> str:
        """One that the server has made."""
        assert secret
        assert what not in self.secrets
        self.secrets[what] = secret
        return secret

    def found_in(self, text: str) -> list[str]:
        return [what for what, secret in self.secrets.items() if secret in text]


@pytest.fixture(scope="module")
def garden() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def collector() -> Iterator[FakeCollector]:
    with fake_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, garden: Planted, collector: FakeCollector
) -> Iterator[Stack]:
    variables = {
        "RIVERRUN_LOG_LEVEL": "DEBUG",
        "RIVERRUN_OTLP_ENDPOINT": collector.url,
        "RIVERRUN_SIGN_UP": "open",
        "RIVERRUN_SECRET_KEYS": str(KEY),
        "RIVERRUN_MODEL_API_KEY": garden.make("key of the model"),
        "RIVERRUN_EMAIL_API_KEY": garden.make("key of the mail server"),
        "RIVERRUN_OIDC_PROVIDERS": json.dumps({"corp": _provider(garden.make("secret at a provider"))}),
        "RIVERRUN_EMAIL_API_URL": "https://127.0.0.1:9/emails",
        "RIVERRUN_EMAIL_FROM": "Riverrun <riverrun@mail.example>",
    }
    with open_stack(tmp_path_factory.mktemp("planted"), **variables) as stack:
        yield stack


def _provider(client_secret: str) -> dict[str, str]:
    """One that nobody asks: only who reads the settings sees its secret."""
    return {
        "issuer": "https://id.example",
        "client_id": "riverrun",
        "client_secret": client_secret,
        "label": "Corp",
    }


@pytest.fixture(scope="module")
def used(stack: Stack, garden: Planted, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack after every secret has been given to it, or got from it, and used."""
    with httpx2.Client(base_url=stack.base_url, timeout=30) as http:
        _plant_at_the_doors(http, stack, garden)
        bearer = {"authorization": f"Bearer {stack.token}"}
        garden.keep("the command line's token", stack.token)
        conversation_id = _ask_something(stack, tmp_path_factory.mktemp("source"))
        _plant_in_links(http, bearer, conversation_id, garden)
        _plant_wrong_ones(http, garden)
    _plant_in_a_column(stack, garden)
    return stack


def _plant_at_the_doors(http: httpx2.Client, stack: Stack, garden: Planted) -> None:
    password, next_password = garden.make("password"), garden.make("the next password")
    made = http.post("/api/v1/signup", json={"email": EMAIL, "password": password})
    mine = {"authorization": f"Bearer {garden.keep('token of a new account', made.json()['token'])}"}
    given = http.post("/api/v1/login", json={"email": EMAIL, "password": password})
    garden.keep("bearer token", given.json()["token"])
    page = {"origin": stack.base_url}
    http.post("/api/v1/login", json={"email": EMAIL, "password": password}, headers=page).raise_for_status()
    garden.keep("session cookie", http.cookies["riverrun_session"])
    http.cookies.clear()
    key = http.post("/api/v1/api-keys", json={"name": "robot"}, headers=mine).json()["key"]
    http.get("/api/v2/projects/list", headers={"x-api-key": garden.keep("API key", key)}).raise_for_status()
    editor = http.post("/api/v1/auth/custom-token", headers=mine).json()["customToken"]
    redeemed = http.post("/api/v1/auth/redeem", json={"token": garden.keep("token of an editor", editor)})
    garden.keep("the editor's bearer token", redeemed.json()["token"])
    change = {"old_password": password, "new_password": next_password}
    http.post("/api/v1/account/password", json=change, headers=mine).raise_for_status()
    link = stack.sign_in_link().partition("token=")[2]
    http.get("/sign-in", params={"token": garden.keep("one-time link", link)})
    garden.keep("session of the link", http.cookies["riverrun_session"])
    http.cookies.clear()


def _ask_something(stack: Stack, folder: Path) -> str:
    (folder / "answer.py").write_text('def answer() -> int:\n    """What is asked for."""\n    return 42\n')
    with RiverrunClient(ServerAddress(stack.base_url, stack.token)) as client:
        project_id = str(index_folder(client, folder)["id"])
        run_id = ask(client, project_id, f"What is the answer? {VISIBLE}")
        wait_until(lambda: client.run(run_id)["status"] == "completed", 60)
        return str(client.run(run_id)["subject_id"])


def _plant_in_links(
    http: httpx2.Client, bearer: dict[str, str], conversation_id: str, garden: Planted
) -> None:
    share = {"conversation_id": conversation_id, "visibility": "public", "requires_sign_in": False}
    shared = http.post("/api/v1/conversations/share", json=share, headers=bearer)
    link = garden.keep("share link", shared.json()["link"]["url"].rpartition("/")[2])
    http.get(f"/s/{link}")
    http.cookies.clear()
    info = http.get(f"/api/v1/conversations/{conversation_id}/info", headers={"x-share-link": link})
    assert info.status_code == 200
    invited = http.post("/api/v1/invitations", json={"email": "new@example.org"}, headers=bearer)
    token = garden.keep("invitation", invited.json()["link"].rpartition("=")[2])
    new = {
        "email": "new@example.org",
        "password": garden.make("password of the invited"),
        "invitation": token,
    }
    joined = http.post("/api/v1/signup", json=new)
    garden.keep("token of the invited", joined.json()["token"])


def _plant_wrong_ones(http: httpx2.Client, garden: Planted) -> None:
    """What opens nothing here may open something elsewhere."""
    wrong = {"email": EMAIL, "password": garden.make("wrong password")}
    assert http.post("/api/v1/login", json=wrong).status_code == 401
    bearer = {"authorization": f"Bearer {garden.make('wrong bearer token')}"}
    assert http.get("/api/v1/account/me", headers=bearer).status_code == 401
    key = {"x-api-key": f"sk-{garden.keep('wrong API key', secrets.token_hex(32))}"}
    assert http.get("/api/v2/projects/list", headers=key).status_code == 401
    link = {"token": garden.make("wrong one-time link")}
    assert http.get("/sign-in", params=link).status_code == 401
    malformed = {"email": [garden.make("a password in the wrong field")], "password": 1}
    assert http.post("/api/v1/login", json=malformed).status_code == 422


def _plant_in_a_column(stack: Stack, garden: Planted) -> None:
    (column,) = encrypted_columns(planted)
    secret = garden.make("refresh token of a provider")
    engine = open_engine(stack.settings.require_database_url(), pool_size=1)
    try:
        planted.create_all(engine)
        with engine.begin() as connection:
            sealed = SecretBox([KEY]).seal(secret, column.place("row"))
            connection.execute(tokens.insert().values(id="row", refresh_token=sealed))
    finally:
        engine.dispose()


def dump_of(stack: Stack) -> str:
    """The whole database, as a backup has it."""
    url = stack.settings.require_database_url()
    command = [find_postgres_folder() / "pg_dump", "--inserts", url]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def valkey_of(stack: Stack) -> str:
    """Every key and value of every logical database in use."""
    found: list[object] = []
    for database in range(3):
        with redis.Redis.from_url(database_of(stack.settings.require_redis_url(), database)) as client:
            found += [(key, _value_of(client, key)) for key in client.scan_iter()]
    return repr(found)


def _value_of(client: redis.Redis, key: bytes) -> object:
    readers: dict[bytes, Callable[[], object]] = {
        b"string": lambda: client.get(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: client.hgetall(key),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
        b"none": lambda: None,
    }
    return readers[client.type(key)]()


def logs_of(stack: Stack) -> str:
    """What all processes have written."""
    paths = sorted((stack.settings.data_dir / "logs").glob("*.log"))
    return "\n".join(path.read_text(errors="replace") for path in paths)


def test_there_are_twenty_of_them(used: Stack, garden: Planted) -> None:
    assert len(garden.secrets) >= 20
    assert all(len(secret) >= 20 for secret in garden.secrets.values())


def test_none_is_in_a_dump_of_the_database(used: Stack, garden: Planted) -> None:
    dump = dump_of(used)
    assert VISIBLE in dump
    assert "rr1.e2e." in dump
    assert garden.found_in(dump) == []


def test_none_is_in_valkey(used: Stack, garden: Planted) -> None:
    held = valkey_of(used)
    assert "rate:{" in held
    assert garden.found_in(held) == []


def test_none_is_in_a_log(used: Stack, garden: Planted) -> None:
    logs = logs_of(used)
    assert "DEBUG" in logs
    assert garden.found_in(logs) == []


def test_none_is_in_a_trace_which_leads_from_the_request_through_celery_to_the_end(
    used: Stack, garden: Planted, collector: FakeCollector
) -> None:
    def spans_of_the_answer() -> dict[str, Told]:
        spans = collector.spans
        attempts = {
            span.trace_id: span
            for span in spans
            if span.name == "attempt" and span.facts["riverrun.kind"] == "answer"
        }
        return {span.name: span for span in spans if span.trace_id in attempts}

    asked = "POST /api/v1/conversations/{conversation_id}/message"
    wait_until(lambda: {asked, "attempt", "end"} <= spans_of_the_answer().keys())
    trace = spans_of_the_answer()
    assert {trace[asked].service, trace["attempt"].service} == {"riverrun-api", "riverrun-worker"}
    assert trace["attempt"].parent_id == trace[asked].span_id
    assert trace["end"].parent_id == trace["attempt"].span_id
    assert any(name.startswith("chat ") for name in trace)
    assert any(name.startswith("execute_tool ") for name in trace)
    assert len({span.trace_id for span in trace.values()}) == 1
    said = "".join(span.everything for span in collector.spans)
    assert garden.found_in(said) == []
    assert VISIBLE not in said
