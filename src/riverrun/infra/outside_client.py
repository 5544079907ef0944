"""HTTP to servers outside whose addresses come from others: only to public addresses, in bounded time, for bounded answers."""

import asyncio
import contextlib
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import httpcore2  # noqa: F401 - httpx2 would read it from disk with its first client, on the loop
import httpx2
import orjson

from riverrun.kit.public_address import is_public

CONNECT_TIMEOUT_SECONDS = 10.0
TOTAL_TIMEOUT_SECONDS = 30.0
MOST_ANSWER_BYTES = 1_000_000
MOST_ADDRESSES_TRIED = 3


@cache
def tls_context() -> SSLContext:
    """Whom we trust. Reads files: ask for it once before the loop runs."""
    return httpx2.create_ssl_context(trust_env=False)


class Unreachable(Exception):
    """There is no answer from there that can be read; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of any status, and the JSON in it; ``document`` is None where there is none."""

    status: int
    document: Any
    headers: Mapping[str, str]

    @property
    def is_success(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300


class OutsideClient:
    """Asks servers outside for JSON. Follows no redirects, sends no cookies, uses no proxy of the environment.

    ``allowed_hosts`` are the ``host:port`` that may be private or speak plain http. One a process; close it at the end.
    """

    def __init__(self, allowed_hosts: Collection[str] = ()) -> None:
        self._allowed_hosts = frozenset(allowed_hosts)
        self._client = httpx2.AsyncClient(
            transport=_CheckedTransport(self._allowed_hosts),
            timeout=httpx2.Timeout(TOTAL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            trust_env=False,
        )

    def is_fit(self, url: str) -> bool:
        """Whether a URL has a scheme and a host that may be asked, as far as can be said without a name server."""
        try:
            return _is_fit(httpx2.URL(url), self._allowed_hosts)
        except httpx2.InvalidURL:
            return False

    async def ask(self, method: str, url: str, **content: Any) -> Answer:
        """The answer, within 30 seconds; ``content`` is what httpx2 takes: ``headers``, ``data``, ``json``, ``auth``.

        Raises:
            Unreachable: no answer, none in time, one that is too long, or a host where the server does not go.
        """
        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT_SECONDS),
                self._client.stream(method, url, **content) as response,
            ):
                return Answer(response.status_code, _json_in(await _read(response)), response.headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise Unreachable(f"{_place_of(url)}: {error or type(error).__name__}") from error
        except UnicodeError as error:
            # Its own message quotes what may be a secret.
            raise Unreachable(
                f"{_place_of(url)}: a letter in the address, a header or the body cannot be sent"
            ) from error

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()


class _CheckedTransport(httpx2.AsyncBaseTransport):
    """Connects to the very address that was checked: a name that is looked up again may lead elsewhere by then."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self._allowed_hosts = allowed_hosts
        # Connections are kept by address, and two hosts may share one: so none is kept.
        self._inner = httpx2.AsyncHTTPTransport(
            verify=tls_context(), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        *others, last = await self._admit(request.url)
        for address in others:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._inner.handle_async_request(_pinned(request, address))
        return await self._inner.handle_async_request(_pinned(request, last))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _admit(self, url: httpx2.URL) -> list[str]:
        if not _is_fit(url, self._allowed_hosts):
            raise httpx2.ConnectError("it must be https, or its host:port in RIVERRUN_ALLOWED_HOSTS")
        found = await _look_up(url)
        addresses = [str(address[0]).partition("%")[0] for *_, address in found]
        is_allowed = _name_of(url) in self._allowed_hosts
        if not is_allowed and not all(is_public(ip_address(address)) for address in addresses):
            raise httpx2.ConnectError(
                "it is inside a private network: allow its host:port in RIVERRUN_ALLOWED_HOSTS"
            )
        return addresses[:MOST_ADDRESSES_TRIED]


async def _look_up(url: httpx2.URL) -> list[tuple[Any, ...]]:
    loop = asyncio.get_running_loop()
    try:
        return list(await loop.getaddrinfo(url.host, _port_of(url), type=socket.SOCK_STREAM))
    except UnicodeError as error:
        raise httpx2.ConnectError(
            "no name server knows such a host: a part of its name is empty or too long"
        ) from error


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _is_fit(url: httpx2.URL, allowed_hosts: frozenset[str]) -> bool:
    if not url.host:
        return False
    return url.scheme == "https" or (url.scheme == "http" and _name_of(url) in allowed_hosts)


def _name_of(url: httpx2.URL) -> str:
    return f"{url.host}:{_port_of(url)}"


def _port_of(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _place_of(url: str) -> str:
    """The URL without its query, which may hold secrets."""
    return url.partition("?")[0]


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise httpx2.ReadError(f"the answer is longer than {MOST_ANSWER_BYTES:,} bytes")
    return bytes(body)


def _json_in(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
