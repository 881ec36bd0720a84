"""Pool: connections kept by origin, a new one whenever none is idle."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from bench.transport.connection import Connection
from bench.transport.incoming import Incoming
from bench.transport.origin import Origin, origin_of
from bench.transport.sealed import Sealed
from bench.transport.stamps import RequestStamps, current_stamps

# Below the idle time after which servers hang up (5 s is common), so that a
# request is not written into a connection that is about to close.
KEEP_ALIVE_S = 3.0
_NS_PER_S = 1e9
_READ_BYTES = 262_144
_NEXT_ADDRESS_AFTER_S = 0.25
_Opening = asyncio.Future[tuple[asyncio.Transport, Connection]]


class StampedTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with keep-alive; never waits for a connection of another request.

    It is used in one event loop.
    """

    def __init__(self) -> None:
        """Open no connection yet."""
        # Certificates are read once; it takes longer than all the rest.
        self._tls = httpx2.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._busy: dict[Connection, Origin] = {}
        self._given_up: set[_Opening] = set()
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the answer's body is read by who asked.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        stamps = current_stamps()
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        read_s = limits.get("read")
        connection = await self._connection(
            origin_of(request), stamps, limits.get("connect")
        )
        try:
            answer = await connection.ask(request, stamps, limits.get("write"), read_s)
        except BaseException:
            self.release(connection, is_broken=True)
            raise
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(self, connection, read_s),
            extensions={"http_version": answer.version, "reason_phrase": answer.reason},
        )

    @asynccontextmanager
    async def sent(
        self, request: Sealed, word: str, stamps: RequestStamps
    ) -> AsyncGenerator[tuple[Incoming, Connection]]:
        """Send a request; gives its answer when the head of it is there.

        Args:
            request: What is sent.
            word: What it has in its place this time.
            stamps: Filled in as bytes pass.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        head = request.head(word)
        connection = await self._connection(request.origin, stamps, None)
        is_broken = True
        try:
            answer = await connection.ask_plainly(head, request.body, stamps)
            yield answer, connection
            is_broken = False
        finally:
            self.release(connection, is_broken=is_broken)

    async def aclose(self) -> None:
        """Close all connections, whatever is under way on them."""
        self._is_closed = True
        connections = [*self._busy, *(c for kept in self._idle.values() for c in kept)]
        self._idle.clear()
        self._busy.clear()
        for connection in connections:
            connection.abort()
        for opening in self._given_up:
            opening.cancel()
        await asyncio.gather(*self._given_up, return_exceptions=True)
        await asyncio.gather(*(c.wait_closed() for c in connections))

    def release(self, connection: Connection, *, is_broken: bool = False) -> None:
        """Take a connection back; one that can't be used again is closed."""
        origin = self._busy.pop(connection, None)
        if origin is None:
            return
        if is_broken or not connection.is_reusable:
            connection.abort()
            return
        connection.rest()
        self._idle[origin].append(connection)

    async def _connection(
        self, origin: Origin, stamps: RequestStamps, within_s: float | None
    ) -> Connection:
        connection = self._kept(origin)
        if connection is None:
            stamps.connect_started_ns = time.monotonic_ns()
            connection = await self._connect(origin, within_s)
            stamps.connected_ns = time.monotonic_ns()
        if self._is_closed:
            connection.abort()
            raise httpx2.ConnectError("the client was closed; nothing was sent")
        self._busy[connection] = origin
        return connection

    def _kept(self, origin: Origin) -> Connection | None:
        """The connection that rested the shortest; those past their time close."""
        resting = self._idle[origin]
        oldest_ns = time.monotonic_ns() - KEEP_ALIVE_S * _NS_PER_S
        while resting and resting[0].idle_since_ns < oldest_ns:
            resting.pop(0).abort()
        while resting:
            connection = resting.pop()
            if connection.is_quiet():
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: Origin, within_s: float | None) -> Connection:
        scheme, host, port = origin
        try:
            async with asyncio.timeout(within_s):
                connection = await self._open(host, port)
                if scheme == "https":
                    await connection.encrypt(self._tls, host)
        except TimeoutError:
            sentence = f"no connection to {host}:{port}"
            raise httpx2.ConnectTimeout(sentence) from None
        # A host that can't be written in DNS's letters is a UnicodeError.
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(str(error) or type(error).__name__) from error
        return connection

    async def _open(self, host: str, port: int) -> Connection:
        opening = asyncio.ensure_future(
            asyncio.get_running_loop().create_connection(
                lambda: Connection(self._buffer),
                host,
                port,
                happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S,
            )
        )
        try:
            _, connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Cancelled itself, it could leave a socket open that nobody knows.
            self._given_up.add(opening)
            opening.add_done_callback(self._given_up.discard)
            opening.add_done_callback(_close_opened)
            raise
        return connection


def _close_opened(opening: _Opening) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[1].abort()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; its end gives the connection back."""

    def __init__(
        self, pool: StampedTransport, connection: Connection, read_s: float | None
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._read_s = read_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._connection.parts(self._read_s):
            yield part

    async def aclose(self) -> None:
        self._pool.release(self._connection)
