"""Transport: bytes to and from an endpoint, stamped at the socket."""

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any, cast

import httpcore2
import httpx2

NETWORK_ERRORS = (httpx2.HTTPError, httpx2.StreamError, OSError)
# Below the idle time after which servers hang up (5 s is common), so that a
# request is not written into a connection that is about to close.
KEEP_ALIVE_S = 3.0

SocketOptions = Iterable[Any]


@dataclass(slots=True)
class RequestStamps:
    """Instants of one request on the monotonic clock, in nanoseconds.

    Attributes:
        started_ns: The SDK was called.
        connect_started_ns: A new connection was begun; None on a kept one.
        connected_ns: TCP and TLS stand; None on a kept connection.
        write_started_ns: The first byte may have left from here on.
        sent_ns: The last byte of the request was handed to the kernel.
        first_byte_ns: The first bytes of the answer were read.
        last_byte_ns: The last bytes of the answer were read.
    """

    started_ns: int
    connect_started_ns: int | None = None
    connected_ns: int | None = None
    write_started_ns: int | None = None
    sent_ns: int | None = None
    first_byte_ns: int | None = None
    last_byte_ns: int | None = None

    @property
    def may_have_left(self) -> bool:
        """Whether any byte of the request may have reached the endpoint."""
        return self.write_started_ns is not None


# httpcore runs a request wholly in the task that asked for it, so the context
# names the request that a read or write belongs to.
_CURRENT: ContextVar[RequestStamps | None] = ContextVar("request_stamps", default=None)


def stamp_into(stamps: RequestStamps) -> None:
    """Stamp the requests of this task from now on into the given record."""
    _CURRENT.set(stamps)


class _StampedStream(httpcore2.AsyncNetworkStream):
    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  httpcore's signature
        content = await self._inner.read(max_bytes, timeout)
        stamps = _CURRENT.get()
        if stamps is not None and content:
            stamps.last_byte_ns = time.monotonic_ns()
            if stamps.first_byte_ns is None:
                stamps.first_byte_ns = stamps.last_byte_ns
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  httpcore's signature
        stamps = _CURRENT.get()
        if stamps is not None and buffer and stamps.write_started_ns is None:
            stamps.write_started_ns = time.monotonic_ns()
        await self._inner.write(buffer, timeout)
        if stamps is not None and buffer:
            stamps.sent_ns = time.monotonic_ns()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
    ) -> httpcore2.AsyncNetworkStream:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        _stamp_connected()
        return _StampedStream(inner)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  httpcore's signature
        return self._inner.get_extra_info(info)


class _StampedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self) -> None:
        # The class is made conditionally, which hides its type.
        self._inner = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stamps = _CURRENT.get()
        if stamps is not None:
            stamps.connect_started_ns = time.monotonic_ns()
        inner = await self._inner.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        _stamp_connected()
        return _StampedStream(inner)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _stamp_connected() -> None:
    stamps = _CURRENT.get()
    if stamps is not None:
        stamps.connected_ns = time.monotonic_ns()


class StampedTransport(httpx2.AsyncHTTPTransport):
    """HTTP/1.1 with keep-alive; as many connections as were asked for."""

    def __init__(self, n_connections: int) -> None:
        """Open no connection yet."""
        # Certificates are read once; it takes longer than all the rest.
        context = httpx2.create_ssl_context()
        super().__init__(verify=context)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=n_connections,
            max_keepalive_connections=n_connections,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=_StampedBackend(),
        )


class _NoCookies(CookieJar):
    """Keeps none: no request depends on the answer to another."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave them where they are."""


async def _read_as_utf_8(response: httpx2.Response) -> None:
    # An answer may name any codec of Python's, some of which are not for text.
    response.encoding = "utf-8"


def http_client(n_connections: int) -> httpx2.AsyncClient:
    """A client that follows no redirect and has no deadline of its own."""
    return httpx2.AsyncClient(
        transport=StampedTransport(n_connections),
        cookies=_NoCookies(),
        event_hooks={"response": [_read_as_utf_8]},
        follow_redirects=False,
        trust_env=False,
        timeout=None,
    )
