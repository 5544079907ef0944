"""Celery as we use it: JSON only, late acknowledgement, one message at a time, a queue a kind of work."""

from celery import Celery

from riverrun.infra.redis_clients import database_of, with_certificates_required
from riverrun.infra.settings import Settings

HARD_LIMIT_SECONDS = 5_400


def broker_url(settings: Settings) -> str:
    """Database 1 of the streams' server unless set."""
    return with_certificates_required(settings.broker_url or database_of(settings.require_redis_url(), 1))


def results_url(settings: Settings) -> str:
    """Database 2 of the streams' server unless set."""
    return with_certificates_required(settings.results_url or database_of(settings.require_redis_url(), 2))


def queue_name(settings: Settings, work: str) -> str:
    """``chats`` or ``indexing`` as the broker names it."""
    return f"{settings.queue_prefix}_{work}"


def configure_celery(settings: Settings) -> Celery:
    """An app without tasks. A run's result is its row, so none is kept by Celery.

    A task that outlives the visibility timeout is delivered twice; the run's lease drops the second.
    """
    app = Celery("riverrun", broker=broker_url(settings), backend=results_url(settings))
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=HARD_LIMIT_SECONDS,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"visibility_timeout": HARD_LIMIT_SECONDS, "socket_timeout": 30},
        timezone="UTC",
    )
    app.amqp.as_task_v2(
        "warm-up", "riverrun.warm_up"
    )  # Celery loads parts from the disk here: not on the API's loop
    return app
