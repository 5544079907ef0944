"""``riverrun link``: another sign-in link, for a server whose processes were started one by one, or a second browser."""

from sqlalchemy.exc import SQLAlchemyError

from riverrun.auth.sign_in import AdministratorDisabled, ensure_administrator, issue_one_time_token
from riverrun.cli.client_errors import ClientError
from riverrun.cli.listen_address import local_url
from riverrun.cli.running_stack import with_running_servers
from riverrun.cli.terminal import ends_in_words, output
from riverrun.embedded import EmbeddedError, EmbeddedServers
from riverrun.infra.database import open_engine
from riverrun.infra.settings import Settings


@ends_in_words
def link() -> None:
    """Print a new link that signs the administrator in once, within twelve hours."""
    try:
        settings, _ = with_running_servers(Settings())
        if settings.database_url:
            token = one_time_token(settings.database_url)
        else:
            with EmbeddedServers.start(settings.data_dir) as servers:
                token = one_time_token(servers.database_url)
    except AdministratorDisabled as error:
        raise ClientError(str(error)) from error
    except EmbeddedError as error:
        raise ClientError(f"no link could be made. {error}") from error
    except SQLAlchemyError as error:
        raise ClientError(
            f"no link could be made ({str(error).splitlines()[0]}): is the database migrated? See riverrun doctor"
        ) from error
    base_url = settings.public_url or local_url(settings.host, settings.port)
    output().print(f"{base_url}/sign-in?token={token}", soft_wrap=True)


def one_time_token(database_url: str) -> str:
    engine = open_engine(database_url, pool_size=1)
    try:
        return issue_one_time_token(engine, ensure_administrator(engine))
    finally:
        engine.dispose()
