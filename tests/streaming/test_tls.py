"""The live channel behind TLS: its URL means to the hub what it means to redis-py, whose clients are asked beside it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
from redis.exceptions import RedisError
from tests.support.certificates import write_certificate
from tests.support.stories import text_event
from tests.support.waiting import wait_until_async

from riverrun.embedded import EmbeddedServers
from riverrun.infra.redis_clients import SyncRedis, open_async_redis
from riverrun.streaming.hub import StreamHub
from riverrun.streaming.redis_streaming import AsyncRedisStreamManager
from riverrun.streaming.run_log import RunLog
from riverrun.streaming.subscriber import Address, ChannelSubscriber

NAME = "localhost"
OTHER_NAME = "elsewhere.example"


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


class TlsLine:
    """TLS in front of the session's Valkey. ``url`` gives its address with what else a URL is to say."""

    def __init__(self, redis_url: str, context: ssl.SSLContext) -> None:
        self._upstream = urlsplit(redis_url)
        self._context = context
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self.accepted = 0

    def url(self, **options: str | Path) -> str:
        return f"rediss://:{self._upstream.password}@{NAME}:{self.port}/0?{urlencode(options)}"

    def cut(self) -> None:
        for writer in self._writers:
            if not writer.is_closing():  # Python 3.11.2 stumbles over one that is closed.
                writer.transport.abort()
        self._writers.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["TlsLine"]:
        server = await asyncio.start_server(self._serve, NAME, 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        self._writers += [writer, upstream[1]]
        self.accepted += 1
        await asyncio.gather(pass_on(reader, upstream[1]), pass_on(upstream[0], writer))


OpenLine = Callable[..., contextlib.AbstractAsyncContextManager[TlsLine]]


@pytest.fixture
def open_line(redis_url: str) -> OpenLine:
    """A line with this certificate, for clients with one of ``client_authority`` if that is given."""

    def open_it(
        certificate: Path, *, client_authority: Path | None = None
    ) -> contextlib.AbstractAsyncContextManager[TlsLine]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if client_authority is not None:
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # by which a refusal is part of the handshake
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority)
        return TlsLine(redis_url, context).running()

    return open_it


async def client_connects(url: str) -> bool:
    async with open_async_redis(url) as client:
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False


async def hub_connects(url: str) -> bool:
    subscriber = ChannelSubscriber(
        on_message=lambda *_: None, on_subscribed=lambda _: None, on_lost=lambda: None
    )
    try:
        await subscriber.connect(Address.of_url(url))
    except OSError:
        return False
    subscriber.abort()
    return True


@pytest.mark.parametrize(
    ("name", "options", "connects"),
    [
        (NAME, {}, False),
        (NAME, {"ssl_ca_certs": "NAME"}, True),
        (NAME, {"ssl_ca_certs": "OTHER"}, False),
        (NAME, {"ssl_cert_reqs": "none"}, True),
        (OTHER_NAME, {"ssl_ca_certs": "OTHER"}, False),
        (OTHER_NAME, {"ssl_ca_certs": "OTHER", "ssl_check_hostname": "false"}, True),
    ],
)
async def test_a_url_is_trusted_as_far_as_redis_py_trusts_it(
    open_line: OpenLine, tmp_path: Path, name: str, options: dict[str, str], connects: bool
) -> None:
    files = {"NAME": write_certificate(tmp_path, NAME), "OTHER": write_certificate(tmp_path, OTHER_NAME)}
    async with open_line(files["NAME" if name == NAME else "OTHER"]) as line:
        url = line.url(**{option: files.get(value, value) for option, value in options.items()})
        assert await client_connects(url) is connects
        assert await hub_connects(url) is connects


async def test_the_hub_shows_the_certificate_that_its_url_names(open_line: OpenLine, tmp_path: Path) -> None:
    server, client = write_certificate(tmp_path, NAME), write_certificate(tmp_path, OTHER_NAME)
    async with open_line(server, client_authority=client) as line:
        for options, connects in (({}, False), ({"ssl_certfile": client, "ssl_keyfile": client}, True)):
            url = line.url(ssl_ca_certs=server, **options)
            assert await client_connects(url) is connects
            assert await hub_connects(url) is connects


async def test_the_hub_hears_through_tls_and_builds_one_context_for_all_its_connections(
    open_line: OpenLine,
    tmp_path: Path,
    servers: EmbeddedServers,
    sync_redis: SyncRedis,
    async_streams: AsyncRedisStreamManager,
    run_log: RunLog,
    queued_run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contexts: list[ssl.SSLContext] = []
    build = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        contexts.append(build())
        return contexts[-1]

    certificate = write_certificate(tmp_path, NAME)
    async with open_line(certificate) as line:
        monkeypatch.setattr(ssl, "create_default_context", counted)
        hub = StreamHub(line.url(ssl_ca_certs=certificate), run_log, heartbeat_seconds=30)
        async with hub.running(), asyncio.timeout(60):
            with hub.attach(queued_run) as subscription:
                heard = await subscription.next_events()
                for seq in (2, 3, 4):
                    await wait_until_async(lambda: sync_redis.pubsub_channels("run:*"))
                    await async_streams.publish_events(queued_run, [*heard, text_event(seq)])
                    heard += await subscription.next_events()
                    line.cut()
                    await wait_until_async(lambda: not sync_redis.pubsub_channels("run:*"))
        assert line.accepted >= 3
    assert [event.position.seq for event in heard] == [1, 2, 3, 4]
    assert len(contexts) == 1
