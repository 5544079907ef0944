"""Servers that the operator runs: which belong together, and whether a broker of its own answers."""

from redis.exceptions import RedisError

from riverrun.cli.client_errors import ClientError
from riverrun.infra.redis_clients import open_redis
from riverrun.infra.settings import MissingSetting, Settings


class BrokerAway(ClientError):
    """``RIVERRUN_BROKER_URL`` names no server that answers."""


def require_both_or_neither(settings: Settings) -> None:
    """Raise ``MissingSetting`` where only one of database and Redis is the operator's."""
    if bool(settings.database_url) != bool(settings.redis_url):
        raise MissingSetting("set both RIVERRUN_DATABASE_URL and RIVERRUN_REDIS_URL, or neither")


def require_broker(settings: Settings) -> None:
    """Raise ``BrokerAway`` within seconds unless the broker answers, where it is not simply a database of Redis."""
    if not settings.broker_url:
        return
    try:
        with open_redis(settings.broker_url) as broker:
            broker.ping()
    except (RedisError, ValueError) as error:
        raise BrokerAway(
            f"the broker cannot be used ({error}): check that it runs and RIVERRUN_BROKER_URL"
        ) from error
