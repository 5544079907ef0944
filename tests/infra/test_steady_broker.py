"""A worker's hold on a broker that goes away."""

import pytest
from kombu.exceptions import OperationalError

from riverrun.infra.steady_broker import SteadyConnection

NOWHERE = "redis://127.0.0.1:1/0"


def test_an_absent_broker_is_tried_each_second_however_long_it_was_away() -> None:
    pauses: list[float] = []
    with SteadyConnection(NOWHERE) as connection, pytest.raises(OperationalError):
        connection.ensure_connection(lambda error, pause: pauses.append(pause), 3)
    assert pauses == [1.0, 1.0, 1.0]


def test_a_message_whose_connection_was_closed_is_refused_by_an_error_that_celery_expects(
    redis_url: str,
) -> None:
    with SteadyConnection(redis_url) as connection:
        expected = connection.connection_errors
        channel = connection.channel()
    with pytest.raises(expected, match="closed"):
        channel.basic_ack("a delivery")


def test_messages_that_were_not_acknowledged_are_in_their_queue_again_when_it_closes(redis_url: str) -> None:
    with SteadyConnection(redis_url) as connection:
        queue = connection.SimpleQueue("work")
        queue.put("once")
        queue.get(timeout=5)
    with SteadyConnection(redis_url) as connection:
        assert connection.SimpleQueue("work").get(timeout=5).payload == "once"
