"""How a worker tells that it consumes a queue, and who starts the stack learns of it. Without Celery: it is slow to load."""

QUEUES = ("chats", "indexing")
"""The kinds of work; each has a queue and, in ``riverrun up``, a worker of its own."""


def ready_key(work: str) -> str:
    """The Redis key that exists while a worker has said so since the last start of the stack."""
    return f"riverrun:worker-ready:{work}"
