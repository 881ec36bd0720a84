"""Pool: connections kept by origin, a new one whenever none is idle."""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from bench.transport.answering import Answering
from bench.transport.channel import Channel, EncryptedChannel
from bench.transport.connection import Connection
from bench.transport.dial import Dialer
from bench.transport.incoming import Incoming
from bench.transport.origin import Origin, origin_of
from bench.transport.outgoing import outgoing
from bench.transport.sealed import Sealed
from bench.transport.stamps import RequestStamps, current_stamps
from bench.transport.unread import Unread

# Below the idle time after which servers hang up (5 s is common), so that a
# request is not written into a connection that is about to close.
KEEP_ALIVE_S = 3.0
_NS_PER_S = 1e9
_READ_BYTES = 262_144
# What is packed may grow a thousandfold: a piece must not fill the memory.
_PACKED_PIECE_BYTES = 16_384


class StampedTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with keep-alive; never waits for a connection of another request.

    It is used in one event loop.
    """

    def __init__(self) -> None:
        """Open no connection yet."""
        self._tls: ssl.SSLContext | None = None
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._unread = Unread()
        self._dialer = Dialer()
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._busy: dict[Connection, Origin] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the answer's body is read by who asked.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        stamps = current_stamps()
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        read_s = limits.get("read")
        asked = outgoing(request)
        connection = await self._connection(
            origin_of(request), stamps, limits.get("connect")
        )
        try:
            answer = await connection.ask(asked, stamps, limits.get("write"), read_s)
        except BaseException:
            self.release(connection, is_broken=True)
            raise
        return self._response(connection, answer, read_s)

    @asynccontextmanager
    async def sent(
        self, request: Sealed, word: str, stamps: RequestStamps
    ) -> AsyncGenerator[Answering]:
        """Send a request; gives its answer when the head of it is there.

        Args:
            request: What is sent.
            word: What it has in its place this time.
            stamps: Filled in as bytes pass.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        asked = request.outgoing(word)
        connection = await self._connection(request.origin, stamps, None)
        is_broken = True
        try:
            answer = await connection.ask(asked, stamps)
            body = _Body(self, connection, None, is_packed=answer.is_packed)
            yield Answering(answer.status, answer.headers, aiter(body))
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
        if self._sweeping is not None:
            self._sweeping.cancel()

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
        if self._sweeping is None:
            self._sweep_later()

    def _response(
        self, connection: Connection, answer: Incoming, read_s: float | None
    ) -> httpx2.Response:
        body = _Body(self, connection, read_s, is_packed=answer.is_packed)
        extensions: dict[str, Any] = {
            "http_version": answer.version,
            "reason_phrase": answer.reason,
        }
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=body, extensions=extensions
        )

    async def _connection(
        self, origin: Origin, stamps: RequestStamps, within_s: float | None
    ) -> Connection:
        connection = self._kept(origin)
        if connection is None:
            tls = self._trusted() if origin[0] == "https" else None
            stamps.connect_started_ns = time.monotonic_ns()
            connection = await self._connect(origin, tls, within_s)
            stamps.connected_ns = time.monotonic_ns()
        if self._is_closed:
            connection.abort()
            raise httpx2.ConnectError("the client was closed; nothing was sent")
        self._busy[connection] = origin
        return connection

    def _kept(self, origin: Origin) -> Connection | None:
        """The connection that rested the shortest."""
        self._sweep()
        resting = self._idle[origin]
        while resting:
            connection = resting.pop()
            if connection.is_quiet():
                return connection
        return None

    def _sweep(self) -> None:
        """Close the connections that are past their time."""
        oldest_ns = time.monotonic_ns() - KEEP_ALIVE_S * _NS_PER_S
        for resting in self._idle.values():
            while resting and resting[0].idle_since_ns < oldest_ns:
                resting.pop(0).abort()

    def _sweep_later(self) -> None:
        self._sweep()
        self._sweeping = None
        if any(self._idle.values()):
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(KEEP_ALIVE_S, self._sweep_later)

    def _trusted(self) -> ssl.SSLContext:
        # Read once, and where it is needed; it takes longer than all the rest.
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    async def _connect(
        self, origin: Origin, tls: ssl.SSLContext | None, within_s: float | None
    ) -> Connection:
        _, host, port = origin
        try:
            async with asyncio.timeout(within_s):
                channel = await self._open(host, port, tls)
        except TimeoutError:
            sentence = f"no connection to {host}:{port}"
            raise httpx2.ConnectTimeout(sentence) from None
        # A host that DNS or a certificate can't name is a ValueError.
        except (OSError, ValueError) as error:
            raise httpx2.ConnectError(str(error) or type(error).__name__) from error
        return Connection(channel, self._buffer, self._unread)

    async def _open(self, host: str, port: int, tls: ssl.SSLContext | None) -> Channel:
        sock = await self._dialer.dial(host, port)
        if tls is None:
            return Channel(sock)
        channel = None
        try:
            channel = EncryptedChannel(sock, self._buffer, tls, host)
            await _shake_hands(channel)
        except BaseException:
            sock.close()
            raise
        return channel


async def _shake_hands(channel: EncryptedChannel) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            channel.shake_hands()
        except BlockingIOError:
            came = loop.create_future()
            loop.add_reader(channel.sock, _tell, came)
            try:
                await came
            finally:
                loop.remove_reader(channel.sock)
        else:
            return


def _tell(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; its end gives the connection back."""

    def __init__(
        self,
        pool: StampedTransport,
        connection: Connection,
        read_s: float | None,
        *,
        is_packed: bool,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._read_s = read_s
        self._is_packed = is_packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._connection.parts(self._read_s):
            if not self._is_packed:
                yield part
                continue
            for at in range(0, len(part), _PACKED_PIECE_BYTES):
                yield part[at : at + _PACKED_PIECE_BYTES]
                # Who unpacks it must not keep the loop from all else.
                await asyncio.sleep(0)

    async def aclose(self) -> None:
        self._pool.release(self._connection)
