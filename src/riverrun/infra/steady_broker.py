"""A worker's connection to the broker that survives the broker's absence.

Written against kombu 5.7, to whose minor release the project is pinned.
"""

from typing import Any, Self

from kombu.connection import Connection
from kombu.transport import redis

RECONNECT_SECONDS = 1


class SteadyChannel(redis.Channel):
    """A channel that knows when its connection was closed under it.

    Whoever acknowledges or puts back a message then gets an ordinary connection error, which Celery expects. kombu's own
    trips over a missing attribute instead, and with it falls the worker's main process.
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the connection to the broker is closed")
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        return parameters


class SteadyTransport(redis.Transport):
    """kombu's Redis transport with our channels."""

    Channel = SteadyChannel


class SteadyConnection(Connection):
    """A connection that tries an absent broker each second; Celery's own would come to pause for 30 s."""

    def ensure_connection(self, *args: Any, **options: Any) -> Self:
        """Connect, now or as soon as the broker is there."""
        pauses = {"interval_start": RECONNECT_SECONDS, "interval_max": RECONNECT_SECONDS}
        super().ensure_connection(*args, **{**options, **pauses})  # type: ignore[no-untyped-call]
        return self

    def get_transport_cls(self) -> type[Any]:
        """Ours, in the place of kombu's for Redis."""
        chosen: type[Any] = super().get_transport_cls()  # type: ignore[no-untyped-call]
        return SteadyTransport if chosen is redis.Transport else chosen
