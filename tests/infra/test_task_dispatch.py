"""The envelope that is pushed to the broker is the one that Celery itself would send."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from riverrun.infra.celery_app import broker_url, configure_celery
from riverrun.infra.redis_clients import AsyncRedis, open_async_redis, open_redis
from riverrun.infra.settings import Settings
from riverrun.infra.task_dispatch import TaskDispatcher, WakeUp
from riverrun.kit.ids import new_uuid

QUEUE, OTHER_QUEUE = "dispatch_test", "dispatch_test_two"
TASK = "riverrun.test"


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[AsyncRedis]:
    async with open_async_redis(broker_url(settings)) as client:
        yield client


async def test_a_wake_up_is_what_celery_would_have_sent(settings: Settings, broker: AsyncRedis) -> None:
    wake_up = WakeUp(TASK, QUEUE, new_uuid())
    await TaskDispatcher(configure_celery(settings), broker).send([wake_up])
    message: Any = await broker.rpop(QUEUE)
    ours = what_matters(message)
    theirs = what_matters(sent_by_celery(settings, wake_up))
    assert ours == theirs
    assert ours["body"][1] == {"run_id": str(wake_up.run_id)}


async def test_every_message_has_ids_of_its_own(settings: Settings, broker: AsyncRedis) -> None:
    dispatcher = TaskDispatcher(configure_celery(settings), broker)
    wake_ups = [WakeUp(TASK, QUEUE, new_uuid()) for _ in range(3)]
    await dispatcher.send(wake_ups)
    popped: Any = await broker.rpop(QUEUE, len(wake_ups))
    messages = [orjson.loads(message) for message in popped]
    runs = [orjson.loads(base64.b64decode(one["body"]))[1]["run_id"] for one in messages]
    assert runs == [str(wake_up.run_id) for wake_up in wake_ups]
    for one in messages:
        assert one["headers"]["id"] == one["headers"]["root_id"] == one["properties"]["correlation_id"]
    assert len({one["headers"]["id"] for one in messages}) == 3
    assert len({one["properties"]["delivery_tag"] for one in messages}) == 3


async def test_wake_ups_of_several_queues_go_each_to_its_own(settings: Settings, broker: AsyncRedis) -> None:
    dispatcher = TaskDispatcher(configure_celery(settings), broker)
    queues = (QUEUE, OTHER_QUEUE, QUEUE)
    await dispatcher.send([WakeUp(TASK, queue, new_uuid()) for queue in queues])
    assert await dispatcher.waiting([QUEUE, OTHER_QUEUE]) == {QUEUE: 2, OTHER_QUEUE: 1}


def sent_by_celery(settings: Settings, wake_up: WakeUp) -> bytes:
    """The same wake-up by Celery's own producer."""
    with configure_celery(settings) as app, open_redis(broker_url(settings)) as client:
        app.send_task(
            wake_up.task, kwargs={"run_id": str(wake_up.run_id)}, queue=wake_up.queue, ignore_result=True
        )
        message: Any = client.rpop(wake_up.queue)
        assert isinstance(message, bytes)
        return message


def what_matters(message: bytes) -> Any:
    """A message without what is new in each, and without where it comes from."""
    envelope = orjson.loads(message)
    envelope["body"] = orjson.loads(base64.b64decode(envelope["body"]))
    for part, names in {
        "headers": ("id", "root_id", "origin"),
        "properties": ("correlation_id", "delivery_tag", "delivery_info", "reply_to"),
    }.items():
        for name in names:
            assert envelope[part].pop(name) is not None
    return envelope
