"""The proxy loses the frame it was told to lose, and no other byte."""

from collections.abc import Iterator

import pytest
import redis
from tests.chaos.lossy_proxy import LossyProxy, split_replies
from tests.support.waiting import wait_until

CHANNEL = "run:{x}:live"


@pytest.fixture
def proxy(redis_url: str) -> Iterator[LossyProxy]:
    with LossyProxy(int(redis_url.rpartition("/")[0].rpartition(":")[2])) as proxy:
        yield proxy


def test_only_the_doomed_frame_is_lost(proxy: LossyProxy, redis_url: str) -> None:
    address = redis_url.replace(f":{proxy.upstream_port}/", f":{proxy.port}/")
    with redis.Redis.from_url(address, protocol=2) as client, client.pubsub() as pubsub:
        pubsub.subscribe(CHANNEL)
        wait_until(lambda: pubsub.get_message(timeout=1))
        proxy.lose_frame("text")
        for frame in ("1-2 started {}", "1-3 text {}", "1-4 text {}", "1-5 end {}"):
            client.publish(CHANNEL, frame)
        frames: list[bytes] = []
        wait_until(lambda: _take(pubsub, frames) and len(frames) == 3)
    assert frames == [b"1-2 started {}", b"1-4 text {}", b"1-5 end {}"]
    assert proxy.lost == 1


def _take(pubsub: redis.client.PubSub, frames: list[bytes]) -> bool:
    message = pubsub.get_message(timeout=0.1)
    if message is not None:
        frames.append(message["data"])
    return True


@pytest.mark.parametrize("cut", range(1, 60))
def test_replies_are_found_whole_wherever_the_line_is_cut(cut: int) -> None:
    whole = [
        b"+OK\r\n",
        b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n",
        b"$-1\r\n",
        b"*0\r\n",
        b":17\r\n",
    ]
    data = b"".join(whole)
    first, rest = split_replies(data[:cut])
    second, nothing = split_replies(rest + data[cut:])
    assert first + second == whole
    assert nothing == b""
