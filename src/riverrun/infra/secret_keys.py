"""Where the keys of secrets come from: the operator's setting, or the file that ``riverrun up`` has made in its data folder."""

from pathlib import Path

from riverrun.infra.settings import MissingSetting, Settings
from riverrun.kit.secrets_at_rest import BadKey, SecretBox

KEY_FILE = "secret-keys"


def open_secret_box(settings: Settings) -> SecretBox:
    """What opens and seals the secrets of this installation.

    Raises:
        MissingSetting: there is no key. None is made up: what was sealed with it would be lost with the process.
        BadKey: a key is none.
    """
    if settings.secret_keys is not None:
        return SecretBox.parse(settings.secret_keys.get_secret_value())
    return SecretBox.parse(_read(key_file(settings)))


def key_file(settings: Settings) -> Path:
    """The keys' file, in the form of the setting, a key a line."""
    return settings.data_dir.expanduser() / KEY_FILE


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except FileNotFoundError as error:
        raise MissingSetting(
            f"RIVERRUN_SECRET_KEYS is not set and {path} does not exist: `riverrun secrets new-key` prints a key"
        ) from error
    except UnicodeDecodeError as error:
        raise BadKey(f"{path} is damaged: restore it from a backup.") from error
