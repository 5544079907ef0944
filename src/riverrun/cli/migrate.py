"""``riverrun migrate``: bring the database's schema up to this release."""

from sqlalchemy.exc import SQLAlchemyError

from riverrun.cli.client_errors import ClientError
from riverrun.cli.terminal import ends_in_words, output
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.infra.settings import Settings
from riverrun.migrations import newest_revision, upgrade


@ends_in_words
def migrate() -> None:
    """Bring the database's tables up to this release (riverrun up does it by itself)."""
    settings = Settings()
    try:
        if settings.database_url:
            upgrade(settings.database_url)
        else:
            with EmbeddedServers.start(settings.data_dir) as servers:
                upgrade(servers.database_url)
    except (EmbeddedError, SQLAlchemyError) as error:
        raise ClientError(f"the database was not migrated ({str(error).splitlines()[0]})") from error
    output().print(f"the database is at revision {newest_revision()}")
