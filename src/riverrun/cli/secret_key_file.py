"""The file with the keys of secrets in the data folder: made once, at the first start, and changed by rotation alone."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from riverrun.infra.secret_keys import key_file
from riverrun.infra.settings import Settings
from riverrun.kit.clock import now
from riverrun.kit.secrets_at_rest import SecretKey


def ensure_key_file(settings: Settings) -> None:
    """Make the file with one key, unless the operator names keys, or it is there. Two starts at once make one file."""
    path = key_file(settings)
    if settings.secret_keys is None and not path.exists():
        written = _write_beside(path, [new_key()])
        try:
            os.link(written, path)
        except FileExistsError:
            pass
        finally:
            written.unlink()


def replace_keys(path: Path, keys: Sequence[SecretKey]) -> None:
    """The file with these keys, as a whole or not at all."""
    _write_beside(path, keys).replace(path)


def read_keys(path: Path) -> list[SecretKey]:
    """The file's keys, the one that seals first."""
    return [SecretKey.parse(line) for line in path.read_text("ascii").splitlines() if line.strip()]


def new_key() -> SecretKey:
    """A key that says from which day it is."""
    return SecretKey.random(f"{now():%Y-%m-%d}-{secrets.token_hex(3)}")


def _write_beside(path: Path, keys: Sequence[SecretKey]) -> Path:
    """A new file of mode 0600 that is on the disk."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{key}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return beside
