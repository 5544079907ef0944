"""What may stand behind the question mark of a Postgres URL, and what the two drivers get of it.

psycopg is libpq and understands all of it. asyncpg does its own TLS, and fails at each connection over a word that it
does not know; so unknown ones are refused when the settings are read.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Options = Mapping[str, str | tuple[str, ...]]
"""A URL's query as SQLAlchemy has it."""

SSL_MODES = ("disable", "require", "verify-full")
SYSTEM = "system"
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep all they trust in one file, for a Python that reads a folder: libpq takes no folder."""
OF_TLS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})
"""For the API, these are in the TLS context."""
OF_FILES = frozenset({"sslrootcert", "sslcert", "sslkey"})
OF_BOTH = frozenset({"host", "port", "user", "password", "passfile", "target_session_attrs"})
OF_LIBPQ = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "sslcompression",
        "sslsni",
        "tcp_user_timeout",
    }
)
"""The API does without these: asyncpg has nothing like them, or does by itself what they ask for."""
OF_SESSION = frozenset({"application_name", "options"})
"""What libpq sends to the server as it is; asyncpg sends it among its ``server_settings``."""
KNOWN = OF_TLS | OF_BOTH | OF_LIBPQ | OF_SESSION


def require_known_options(database_url: str) -> None:
    """Raise ``ValueError``, in words for the operator, for what is no address of a Postgres, or has options that only one of the
    drivers knows.
    """
    try:
        parts = urlsplit(database_url)
        is_postgres = parts.scheme.partition("+")[0] in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        is_postgres = False
    if not is_postgres:
        raise ValueError("it must be an address such as postgresql://user:password@host:5432/name")
    require_known(dict(parse_qsl(parts.query, keep_blank_values=True)))


def require_known(options: Options) -> None:
    """The same for a URL that is taken apart already."""
    if unknown := sorted(set(options) - KNOWN):
        raise ValueError(f"{', '.join(unknown)} is not known here: leave it out of the URL")
    mode = options.get("sslmode", "disable")
    if mode not in SSL_MODES:
        raise ValueError(f"sslmode={mode} is not known here: use disable, require or verify-full")
    if options.get("sslrootcert") == SYSTEM and mode != "verify-full":
        raise ValueError("sslrootcert=system needs sslmode=verify-full")
    for name in sorted(OF_FILES & set(options)):
        if options[name] != SYSTEM and not Path(str(options[name])).is_file():
            raise ValueError(f"{name}={options[name]} is no file here")


def for_psycopg(options: Options) -> dict[str, str]:
    """What libpq is to be told beyond the URL: where the certificates are that this machine trusts.

    Left to itself it looks for a file in the home. Its own ``system`` is where the OpenSSL in psycopg's wheel was built to
    look, a folder that no machine has; so it gets the file that Python's OpenSSL reads for the API.
    """
    if options.get("sslmode") == "verify-full" and options.get("sslrootcert", SYSTEM) == SYSTEM:
        return {"sslrootcert": trusted_file()}
    return {}


def trusted_file() -> str:
    """The file of what this machine trusts; ``system`` where none is found."""
    named = ssl.get_default_verify_paths().cafile
    return named or next((path for path in BUNDLES if Path(path).is_file()), SYSTEM)


def for_asyncpg(options: Options) -> dict[str, Any]:
    """Arguments of asyncpg's ``connect``: TLS as the URL wants it, and what the session is to begin with."""
    session = {name: value for name, value in options.items() if name in OF_SESSION}
    return {"ssl": tls_context(options), "server_settings": session}


def tls_context(options: Options) -> ssl.SSLContext | bool:
    """As libpq does it: ``require`` believes any certificate, or one that ``sslrootcert`` vouches for whatever its name."""
    mode, root = options.get("sslmode", "disable"), options.get("sslrootcert", SYSTEM)
    if mode == "disable":
        return False
    context = ssl.create_default_context(cafile=None if root == SYSTEM else str(root))
    if mode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE if root == SYSTEM else ssl.CERT_REQUIRED
    if "sslcert" in options:
        context.load_cert_chain(
            str(options["sslcert"]), str(options["sslkey"]) if "sslkey" in options else None
        )
    return context
