"""Connection: one socket, a request at a time, stamped as bytes pass."""

import asyncio
import select
import ssl
import time
from collections.abc import AsyncIterator
from typing import cast

import httpx2

from bench.transport.incoming import Incoming
from bench.transport.outgoing import body_parts, head_of, known_body
from bench.transport.stamps import RequestStamps

# More waits in the kernel, where it holds up the sender and not our memory.
_MOST_UNREAD_BYTES = 8_000_000
_SMALL_BYTES = 65_536
# The kernel takes so many at once wherever nothing waits.
_SURE_BYTES = 8_192


class Connection(asyncio.BufferedProtocol):
    """Owns one socket; each of its requests ends before the next begins."""

    def __init__(self, buffer: memoryview) -> None:
        """Wait to be connected.

        Args:
            buffer: Bytes are read into it; connections of one loop share it,
                since nothing else runs between reading and parsing.
        """
        self._buffer = buffer
        self._socket: asyncio.Transport | None = None
        self._poll = select.poll()
        self._stamps = RequestStamps(started_ns=0)
        self._incoming: Incoming | None = None
        self._is_encrypted = False
        self._is_full = False
        self._is_held = False
        self._is_written = True
        self._is_sent = True
        self._drained: asyncio.Future[None] | None = None
        self._lost = asyncio.get_running_loop().create_future()
        self.idle_since_ns = 0

    # What follows is called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._socket = cast("asyncio.Transport", transport)
        # Told as soon as a byte waits here instead of in the kernel.
        self._socket.set_write_buffer_limits(high=0)
        self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where bytes are to be read to."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes were read."""
        stamps, incoming = self._stamps, self._incoming
        if incoming is None:
            # Nothing was asked: this connection can't be trusted any more.
            self.abort()
            return
        was_over, n_begun = incoming.is_over, incoming.n_begun
        now_ns = time.monotonic_ns()
        incoming.feed(self._buffer[:nbytes])
        if not was_over:
            stamps.last_byte_ns = now_ns
            # What only announced the answer was not its first byte.
            if stamps.first_byte_ns is None or incoming.n_begun != n_begun:
                stamps.first_byte_ns = now_ns
        if incoming.is_headed or incoming.is_over:
            self._go_on()
        if incoming.n_unread_bytes > _MOST_UNREAD_BYTES and self._socket:
            self._is_held = True
            self._socket.pause_reading()

    def pause_writing(self) -> None:
        """Bytes wait here."""
        self._is_full = True

    def resume_writing(self) -> None:
        """All bytes are in the kernel."""
        self._is_full = False
        if self._is_written:
            self._all_sent()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if self._incoming is not None:
            self._incoming.lost(exc)
        self._go_on()
        if not self._lost.done():
            self._lost.set_result(None)

    # What follows is called by the pool.

    async def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on, with who can show that it is the host.

        Raises:
            OSError: They could not agree.
        """
        if self._socket is None or self._socket.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._socket = await asyncio.get_running_loop().start_tls(
            self._socket, self, tls, server_hostname=host
        )
        if self._socket is None:
            raise ConnectionResetError("the server closed the connection")
        # As above; with 0 it would be told that nothing waits, too.
        self._socket.set_write_buffer_limits(high=1, low=0)
        self._is_encrypted = True

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._drop()
        if self._socket is not None:
            self._socket.abort()

    async def wait_closed(self) -> None:
        """Return when the socket is closed."""
        await self._lost

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be sent."""
        incoming = self._incoming
        is_done = incoming is None or (incoming.is_whole and incoming.keeps_alive)
        return is_done and self._is_sent and not self._is_closed

    @property
    def _is_closed(self) -> bool:
        return self._lost.done() or self._socket is None or self._socket.is_closing()

    def is_quiet(self) -> bool:
        """Whether the server neither closed an idle connection nor spoke on it."""
        return self.is_reusable and not self._poll.poll(0)

    def rest(self) -> None:
        """Nothing is asked until the next request."""
        self._drop()
        self._incoming = None
        self.idle_since_ns = time.monotonic_ns()

    async def ask(
        self,
        request: httpx2.Request,
        stamps: RequestStamps,
        write_s: float | None,
        read_s: float | None,
    ) -> Incoming:
        """Send a request; returns when the head of its answer is there.

        Args:
            request: What is sent.
            stamps: Filled in as bytes pass.
            write_s: Seconds that the server may need to take what is written.
            read_s: Seconds that the server may send no byte.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        head = head_of(request)
        incoming = self._begin(stamps, is_head_only=request.method == "HEAD")
        await self._send(head, request, write_s)
        while not incoming.is_headed:
            await incoming.more(read_s)
        return incoming

    async def ask_plainly(
        self, head: bytes, body: bytes, stamps: RequestStamps
    ) -> Incoming:
        """Send a request that is in memory; returns as `ask` does.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        incoming = self._begin(stamps, is_head_only=False)
        await self._put(_together(head, body), None, is_last=True)
        while not incoming.is_headed:
            await incoming.more(None)
        return incoming

    def _begin(self, stamps: RequestStamps, *, is_head_only: bool) -> Incoming:
        self._stamps = stamps
        incoming = Incoming(is_head_only=is_head_only)
        self._incoming = incoming
        self._is_written = self._is_sent = False
        if self._is_closed:
            # It ended between being chosen and being used: nothing left.
            raise httpx2.ConnectError("the connection ended before it was used")
        stamps.write_started_ns = time.monotonic_ns()
        return incoming

    async def parts(self, read_s: float | None) -> AsyncIterator[bytes]:
        """The answer's body as it comes.

        Raises:
            httpx2.TransportError: It broke off.
        """
        incoming = self._incoming
        while incoming is not None:
            if incoming.n_unread_bytes:
                yield incoming.take()
                self._read_on()
            elif incoming.is_whole:
                return
            else:
                await incoming.more(read_s)

    async def whole(self, most_bytes: int) -> bytes:
        """The answer's body, when its last byte is there.

        Raises:
            httpx2.TransportError: It broke off, or goes on for longer than that.
        """
        parts: list[bytes] = []
        n_bytes = 0
        async for part in self.parts(None):
            parts.append(part)
            n_bytes += len(part)
            if n_bytes > most_bytes:
                sentence = f"the answer is longer than {most_bytes:,} bytes"
                raise httpx2.RemoteProtocolError(sentence)
        return b"".join(parts)

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.drop()

    async def _send(
        self, head: bytes, request: httpx2.Request, write_s: float | None
    ) -> None:
        content = known_body(request)
        if content is not None:
            await self._put(_together(head, content), write_s, is_last=True)
            return
        goes_on = await self._put((head,), write_s)
        async for part in body_parts(request):
            if not goes_on:
                return
            goes_on = await self._put((part,), write_s)
        if goes_on:
            self._all_sent()

    async def _put(
        self, parts: tuple[bytes, ...], within_s: float | None, *, is_last: bool = False
    ) -> bool:
        """Write bytes to the kernel; False when an answer came before they were."""
        if self._socket is None or self._socket.is_closing() or self._is_answered:
            return False
        for part in parts:
            self._write(self._socket, part)
        self._is_written = is_last
        if is_last and not self._is_full:
            self._all_sent()
        while self._is_full and not self._is_answered:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within_s):
                    await self._drained
            except TimeoutError:
                sentence = f"the server did not take the request within {within_s:g} s"
                raise httpx2.WriteTimeout(sentence) from None
            finally:
                self._drained = None
        return not self._is_full

    def _write(self, socket: asyncio.WriteTransport, content: bytes) -> None:
        whole = memoryview(content)
        if self._is_encrypted and len(whole) > _SURE_BYTES:
            # Under TLS nobody is told what waits below it. So the last byte comes
            # apart: it waits above, where we are told, until the others have left.
            socket.write(whole[:-1])
            whole = whole[-1:]
        socket.write(whole)

    def _all_sent(self) -> None:
        """The kernel has the whole request; one that broke off never was sent."""
        if self._is_closed or self._is_sent:
            return
        self._is_sent = True
        if self._incoming is not None and not self._incoming.is_over:
            self._stamps.sent_ns = time.monotonic_ns()

    @property
    def _is_answered(self) -> bool:
        """Whether an answer, or an end, came while the request is being sent."""
        incoming = self._incoming
        return incoming is not None and (incoming.is_headed or incoming.is_over)

    def _go_on(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _read_on(self) -> None:
        if self._is_held and self._socket is not None:
            self._is_held = False
            self._socket.resume_reading()


def _together(head: bytes, body: bytes) -> tuple[bytes, ...]:
    return (head + body,) if len(body) <= _SMALL_BYTES else (head, body)
