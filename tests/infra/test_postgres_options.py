"""What a Postgres URL says after its question mark means the same to both drivers, on a Postgres behind TLS."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from tests.support.certificates import write_certificate
from tests.support.tls_front import TlsFront

from riverrun.infra import postgres_options
from riverrun.infra.database import IDLE_TRANSACTION, open_async_engine, open_engine
from riverrun.infra.postgres_options import require_known_options

NAME = "localhost"
OTHER_NAME = "elsewhere.example"


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    return {name: str(write_certificate(tmp_path, name)) for name in (NAME, OTHER_NAME)}


@pytest.fixture
def front(database_url: str, certificates: dict[str, str]) -> Iterator[TlsFront]:
    port = make_url(database_url).port
    assert port
    with TlsFront(port, Path(certificates[NAME]), asked_first=True) as front:
        yield front


@pytest.fixture
def trusted(certificates: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", certificates[NAME])


def behind(front: TlsFront, database_url: str, host: str = NAME, **options: str) -> str:
    url = make_url(database_url).set(host=host, port=front.port, query=options)
    return url.render_as_string(hide_password=False)


def the_worker_connects(url: str) -> bool:
    engine = open_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT 1")))
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


async def the_api_connects(url: str) -> bool:
    engine = open_async_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            return bool(await connection.scalar(text("SELECT 1")))
    except (SQLAlchemyError, OSError):
        return False
    finally:
        await engine.dispose()


async def connects(url: str) -> bool:
    """Whether both do; they never differ."""
    worker, api = the_worker_connects(url), await the_api_connects(url)
    assert worker is api
    return worker


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("options", [{}, {"sslrootcert": "system"}])
async def test_verify_full_believes_what_this_machine_trusts(
    front: TlsFront, database_url: str, options: dict[str, str]
) -> None:
    assert await connects(behind(front, database_url, sslmode="verify-full", **options))
    assert front.lines == 2


def test_where_python_reads_a_folder_a_worker_gets_the_systems_file(
    front: TlsFront, database_url: str, certificates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/none.pem")
    monkeypatch.setattr(postgres_options, "BUNDLES", ("/none.crt", certificates[NAME]))
    assert the_worker_connects(behind(front, database_url, sslmode="verify-full"))


async def test_verify_full_refuses_a_certificate_that_nobody_vouches_for(
    front: TlsFront, database_url: str, certificates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates[OTHER_NAME])
    assert not await connects(behind(front, database_url, sslmode="verify-full"))


@pytest.mark.usefixtures("trusted")
async def test_verify_full_refuses_another_name(front: TlsFront, database_url: str) -> None:
    assert not await connects(behind(front, database_url, host="127.0.0.1", sslmode="verify-full"))


@pytest.mark.parametrize(
    ("mode", "host", "root", "connected"),
    [
        ("verify-full", NAME, NAME, True),
        ("verify-full", NAME, OTHER_NAME, False),
        ("verify-full", "127.0.0.1", NAME, False),
        ("require", "127.0.0.1", NAME, True),
        ("require", NAME, OTHER_NAME, False),
        ("require", NAME, None, True),
    ],
)
async def test_a_certificate_of_ones_own(
    front: TlsFront,
    database_url: str,
    certificates: dict[str, str],
    mode: str,
    host: str,
    root: str | None,
    connected: bool,
) -> None:
    named = {"sslrootcert": certificates[root]} if root else {}
    assert await connects(behind(front, database_url, host=host, sslmode=mode, **named)) is connected


async def test_what_only_libpq_understands_is_nothing_to_the_api(front: TlsFront, database_url: str) -> None:
    """Providers give such addresses out. Channel binding itself would need a Postgres that has TLS, as they do."""
    libpq = {"channel_binding": "prefer", "gssencmode": "disable", "connect_timeout": "10", "keepalives": "1"}
    assert await connects(behind(front, database_url, sslmode="require", **libpq))
    assert await the_api_connects(behind(front, database_url, sslmode="require", channel_binding="require"))


async def test_a_sessions_settings_reach_the_server_from_both_beside_our_own(database_url: str) -> None:
    query = {"application_name": "theirs", "options": "-c statement_timeout=77s"}
    url = make_url(database_url).set(query=query).render_as_string(hide_password=False)
    asked = text(
        f"SELECT current_setting('application_name'), current_setting('statement_timeout'), current_setting('{IDLE_TRANSACTION}')"
    )
    engine, async_engine = open_engine(url), open_async_engine(url)
    with engine.connect() as connection:
        of_worker = connection.execute(asked).one()
    async with async_engine.connect() as connection:
        of_api = (await connection.execute(asked)).one()
    engine.dispose()
    await async_engine.dispose()
    assert of_worker == of_api == ("theirs", "77s", "10s")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sslmode": "prefer"}, "sslmode=prefer is not known here: use disable, require or verify-full"),
        ({"sslmode": "require", "sslrootcert": "system"}, "sslrootcert=system needs sslmode=verify-full"),
        ({"sslmode": "verify-full", "sslrootcert": "/none.pem"}, "sslrootcert=/none.pem is no file here"),
        (
            {"pgbouncer": "true", "schema": "x"},
            "pgbouncer, schema is not known here: leave it out of the URL",
        ),
    ],
)
def test_what_one_of_them_would_fail_over_is_refused_in_words(options: dict[str, str], words: str) -> None:
    url = f"postgresql://u:p@h/x?{urlencode(options)}"
    for refuse in (require_known_options, open_engine, open_async_engine):
        with pytest.raises(ValueError, match=words):
            refuse(url)
