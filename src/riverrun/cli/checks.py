"""What the doctor looks at. Each check goes from the settings to findings; none of them changes anything."""

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from riverrun.cli.listen_address import CannotListen, local_url, require_free_port
from riverrun.cli.own_servers import BrokerAway, require_both_or_neither, require_broker
from riverrun.cli.running_stack import with_running_servers
from riverrun.code_provider.git_version import OLDEST_GIT, version_in
from riverrun.embedded import EmbeddedError
from riverrun.embedded.binaries import find_postgres_folder, find_valkey_server, version_of
from riverrun.embedded.data_folder import LEAST_FREE_BYTES, DataFolder
from riverrun.infra.database import open_engine
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.schema_revision import MisfitTables, require_fitting, require_utf8
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.worker_readiness import QUEUES, ready_key
from riverrun.migrations import current_revision
from riverrun.notifications.email_helper import mail_server_of

HTTP_TIMEOUT_SECONDS = 3.0


class Verdict(Enum):
    """What a finding means: fine, worth knowing, or something to do."""

    OK = "ok"
    NOTE = "note"
    TO_DO = "to do"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what was looked at, and what there is to say about it."""

    verdict: Verdict
    subject: str
    words: str


def ok(subject: str, words: str) -> Finding:
    return Finding(Verdict.OK, subject, words)


def note(subject: str, words: str) -> Finding:
    return Finding(Verdict.NOTE, subject, words)


def to_do(subject: str, words: str) -> Finding:
    return Finding(Verdict.TO_DO, subject, words)


def examine(settings: Settings, *, online: bool) -> Iterator[Finding]:
    """All findings, from the machine up to the model, each as soon as it is made."""
    yield ok("python", f"{platform.python_version()} at {sys.executable}")
    yield check_git()
    yield check_data_folder(settings.data_dir)
    yield from check_programs(settings)
    try:
        settings, running = with_running_servers(settings)
    except EmbeddedError:
        running = False  # The data folder's finding says why.
    yield from check_database(settings)
    yield from check_redis(settings)
    yield from check_broker(settings)
    yield check_api(settings, expected=running)
    yield check_mail(settings)
    yield from check_combinations(settings)
    yield check_model(settings, online=online)


def check_git() -> Finding:
    program = shutil.which("git")
    if program is None:
        return to_do("git", "not on PATH: install git, or only folders of this machine can be indexed")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout
    version = version_in(said)
    if version is None or version < OLDEST_GIT:
        return to_do(
            "git",
            f"{said.strip() or program} is too old to keep to an address that was checked: "
            f"install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer",
        )
    return ok("git", said.strip().removeprefix("git version "))


def check_data_folder(data_dir: Path) -> Finding:
    folder = next(
        path for path in (data_dir.absolute(), *data_dir.absolute().parents) if os.path.exists(path)
    )
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return to_do(
            "data folder", f"{folder} is not writable: change that, or choose another with RIVERRUN_DATA_DIR"
        )
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < LEAST_FREE_BYTES:
        return to_do(
            "data folder", f"the disk of {folder} has {free_bytes // 1_000_000} MB left: free some space"
        )
    try:
        DataFolder(data_dir).written_passwords()
    except EmbeddedError as error:
        return to_do("data folder", str(error))
    if (stranger := next(strangers_in(data_dir), None)) is not None:
        return to_do(
            "data folder",
            f"{stranger} belongs to another user: give everything in {data_dir} to the one who runs Riverrun",
        )
    return ok("data folder", f"{data_dir}, {free_bytes / 1e9:.1f} GB free")


def strangers_in(data_dir: Path) -> Iterator[Path]:
    """What every start opens, and this user may not; mostly after a start as root."""
    logs = data_dir / "logs"
    for path in (logs, *logs.glob("*.log"), *data_dir.glob("*.lock"), data_dir / "secret-keys"):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield path


def check_programs(settings: Settings) -> Iterator[Finding]:
    """The servers' programs, which are needed only where no own servers are set."""
    if settings.database_url and settings.redis_url:
        return
    try:
        program = find_postgres_folder() / "postgres"
        yield ok("postgres program", f"{version_of(program)} at {program}")
        program = find_valkey_server()
        yield ok("valkey program", f"{version_of(program)} at {program}")
    except EmbeddedError as error:
        yield to_do("server programs", str(error))


def check_database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        yield note("postgres", "not running: riverrun up starts it")
        return
    try:
        place = make_url(settings.database_url).render_as_string(hide_password=True)
        version, encoding, is_read_only = database_facts(settings.database_url)
        yield ok("postgres", f"{version} at {place}")
        revision = current_revision(settings.database_url)
    except SQLAlchemyError as error:
        yield to_do("postgres", f"{first_line(error)}: check that it runs and RIVERRUN_DATABASE_URL")
        return
    if is_read_only:
        yield to_do("postgres", "takes no writes: name the primary, or a role that may write")
    try:
        require_utf8(encoding)
        require_fitting(revision)
        yield ok("tables", f"revision {revision}")
    except MisfitTables as error:
        yield to_do("tables", str(error))


def database_facts(database_url: str) -> tuple[str, str, bool]:
    """The server's version, the database's encoding, and whether it refuses writes."""
    asked = "current_setting('server_version'), current_setting('server_encoding'), current_setting('transaction_read_only')"
    engine = open_engine(database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            version, encoding, read_only = connection.execute(text(f"SELECT {asked}")).one()
            return version, encoding, read_only == "on"
    finally:
        engine.dispose()


def check_redis(settings: Settings) -> Iterator[Finding]:
    """The server, and the workers that have reported there."""
    if not settings.redis_url:
        yield note("redis", "not running: riverrun up starts it")
        return
    try:
        with open_redis(settings.redis_url) as redis:
            facts = redis.info("server")
            ready = {work: bool(redis.exists(ready_key(work))) for work in QUEUES}
    except (RedisError, ValueError) as error:
        yield to_do("redis", f"{first_line(error)}: check that it runs and RIVERRUN_REDIS_URL")
        return
    name = facts.get("server_name", "redis")
    yield ok("redis", f"{name} {facts.get(f'{name}_version', facts['redis_version'])}")
    for work, is_ready in ready.items():
        if is_ready:
            yield ok(f"worker {work}", "ready")
        else:
            yield to_do(
                f"worker {work}", f"none has reported: run riverrun up, or riverrun worker --queues {work}"
            )


def check_broker(settings: Settings) -> Iterator[Finding]:
    """The broker where it is a server of its own."""
    if not settings.broker_url:
        return
    try:
        require_broker(settings)
        yield ok("broker", "answers")
    except BrokerAway as error:
        yield to_do("broker", str(error))


def check_api(settings: Settings, *, expected: bool) -> Finding:
    """Whether the API answers; where nothing runs, whether it could listen."""
    url = local_url(settings.host, settings.port)
    try:
        status = httpx2.get(f"{url}/health/ready", timeout=HTTP_TIMEOUT_SECONDS).status_code
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        return check_port(settings, str(error), expected=expected)
    if status == httpx2.codes.OK:
        return ok("api", f"ready at {url}")
    return to_do("api", f"{url} answers {status}: see api.log in {settings.data_dir / 'logs'}")


def check_port(settings: Settings, reason: str, *, expected: bool) -> Finding:
    try:
        require_free_port(settings.host, settings.port)
    except CannotListen as error:
        return to_do("api", str(error))
    if expected:
        return to_do(
            "api",
            f"does not answer on port {settings.port} ({reason}): run riverrun up, or set RIVERRUN_PORT",
        )
    return note("api", f"not running: riverrun up starts it on port {settings.port}, which is free")


def check_mail(settings: Settings) -> Finding:
    """Whether mail is set up as a whole; no mail is sent."""
    try:
        server = mail_server_of(settings)
    except MissingSetting as error:
        return to_do("mail", str(error))
    if server is None:
        return note("mail", "none is sent: riverrun users reset-link prints what would be in one")
    return ok("mail", f"handed in at {urlsplit(server.api_url).netloc} as {server.sender} (not tried)")


def check_combinations(settings: Settings) -> Iterator[Finding]:
    """Settings that do not go together, which only the process that needs them would refuse, when it starts."""
    from riverrun.auth.firebase_provider import refuse_emulator_of_real_project
    from riverrun.infra.tracing import require_sdk
    from riverrun.runs.worker_metrics import require_metrics_token

    for subject, check in (
        ("own servers", require_both_or_neither),
        ("sign-in", refuse_emulator_of_real_project),
        ("worker metrics", require_metrics_token),
        ("traces", require_sdk),
    ):
        try:
            check(settings)
        except MissingSetting as error:
            yield to_do(subject, str(error))


def check_model(settings: Settings, *, online: bool) -> Finding:
    """Whether the model's settings are complete; with ``online`` also whether it answers a word."""
    from riverrun.agents.errors import ModelNotConfigured
    from riverrun.agents.model_choice import choose_model

    key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
    try:
        model = choose_model(settings.model, settings.model_base_url, key)
    except ModelNotConfigured as error:
        return to_do("model", str(error))
    if not settings.model:
        return note("model", "built-in extractive model: set RIVERRUN_MODEL for one that reasons")
    if not online:
        return ok("model", f"{settings.model} (not asked; --online asks it)")
    from riverrun.agents.errors import AgentFailed
    from riverrun.agents.trial import try_model

    try:
        asyncio.run(try_model(model))
    except AgentFailed as failure:
        return to_do("model", f"{settings.model} does not answer. {failure.title}: {failure.detail}")
    return ok("model", f"{settings.model} answers")


def first_line(error: Exception) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]
