"""``riverrun secrets``: keys for what is stored secret, and sealing all of it with a new one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from riverrun.cli.app import PLAIN
from riverrun.cli.client_errors import ClientError
from riverrun.cli.secret_key_file import new_key, read_keys, replace_keys
from riverrun.cli.terminal import ends_in_words, output
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.encrypted_columns import encrypted_columns, seal_anew
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.secret_keys import key_file, open_secret_box
from riverrun.infra.settings import MissingSetting, Settings
from riverrun.infra.worker_readiness import QUEUES, ready_key
from riverrun.kit.secrets_at_rest import SecretBox, SecretsError
from riverrun.migrations.tables import metadata

secrets = typer.Typer(
    help="Keys for what is stored secret: make one, and seal everything with a new one.",
    no_args_is_help=True,
    **PLAIN,
)


@secrets.command("new-key")
@ends_in_words
def print_new_key() -> None:
    """Print a new key for RIVERRUN_SECRET_KEYS: put it first, and a comma after it."""
    output().print(str(new_key()), markup=False, soft_wrap=True)


@secrets.command("rotate")
@ends_in_words
def rotate() -> None:
    """Seal every secret with the first key of RIVERRUN_SECRET_KEYS, or with a new one in the data folder's file."""
    settings = Settings()
    try:
        if settings.secret_keys is not None:
            sealed, box = _with_keys_of_the_setting(settings)
        else:
            sealed, box = _with_a_new_key_of_the_file(settings)
    except (SecretsError, MissingSetting, EmbeddedError, SQLAlchemyError, OSError) as error:
        raise ClientError(f"nothing was sealed anew ({str(error).splitlines()[0]})") from error
    output().print(f"{sealed} secrets were sealed anew; all are under the key {box.key_id}", markup=False)


def _with_keys_of_the_setting(settings: Settings) -> tuple[int, SecretBox]:
    box = open_secret_box(settings)
    with _database_of(settings) as database_url:
        return seal_all_anew(database_url, box), box


def _with_a_new_key_of_the_file(settings: Settings) -> tuple[int, SecretBox]:
    """Both keys are in the file for as long as either is needed, whenever this ends.

    With the operator's servers the last key stays in it beside the new one: of their processes none holds the folder, and
    one that was started singly may be left that seals with it.
    """
    refuse_while_running(settings)
    path = key_file(settings)
    with _database_of(settings) as database_url:
        keys = [new_key(), *(read_keys(path) if path.exists() else [])]
        replace_keys(path, keys)
        box = SecretBox(keys)
        sealed = seal_all_anew(database_url, box)
        replace_keys(path, keys[:2] if settings.database_url else keys[:1])
    return sealed, box


def refuse_while_running(settings: Settings) -> None:
    """Raise ``ClientError`` where processes are found that would not know the new key."""
    if EmbeddedServers.find_running(settings.data_dir) is not None:
        raise ClientError("Riverrun runs on this data folder, and would not know the new key: stop it first")
    if settings.redis_url and workers_have_reported(settings.redis_url):
        raise ClientError(
            "workers have reported within the last 30 s, and would not know the new key: "
            "stop Riverrun first, and wait for so long"
        )


def workers_have_reported(redis_url: str) -> bool:
    """Whether one of any queue works on the operator's servers."""
    try:
        with open_redis(redis_url) as redis:
            return bool(redis.exists(*map(ready_key, QUEUES)))
    except RedisError as error:
        raise ClientError(
            f"Redis was not asked whether workers run ({error}): check RIVERRUN_REDIS_URL"
        ) from error


def seal_all_anew(database_url: str, box: SecretBox) -> int:
    """Every secret in the database, in one transaction; how many were under another key."""
    engine = open_engine(database_url, pool_size=1)
    try:
        with engine.begin() as connection:
            return sum(seal_anew(connection, column, box) for column in encrypted_columns(metadata))
    finally:
        engine.dispose()


@contextmanager
def _database_of(settings: Settings) -> Iterator[str]:
    """The operator's database, else the embedded one, running or started for this."""
    if settings.database_url:
        yield settings.database_url
        return
    if not Path(settings.data_dir).expanduser().exists():
        raise ClientError(f"there is nothing in {settings.data_dir}: `riverrun up` makes it")
    with EmbeddedServers.start(settings.data_dir) as servers:
        yield servers.database_url
