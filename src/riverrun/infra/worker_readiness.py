"""How a worker tells that it consumes a queue, and who starts the stack learns of it. Without Celery: it is slow to load."""

from collections.abc import Sequence

QUEUES = ("chats", "indexing")
"""The kinds of work; each has a queue and, in ``riverrun up``, a worker of its own."""


def ready_key(work: str) -> str:
    """The Redis key that exists while a worker has said so since the last start of the stack."""
    return f"riverrun:worker-ready:{work}"


class UnknownQueue(ValueError):
    """Work was asked for that nobody does; the message says what there is."""


def require_known(queues: Sequence[str]) -> None:
    """Raise ``UnknownQueue`` for a queue that does not exist."""
    if unknown := set(queues) - set(QUEUES):
        raise UnknownQueue(
            f"There is no queue {', '.join(sorted(unknown))}; there are {' and '.join(QUEUES)}."
        )
