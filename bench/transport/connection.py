"""Connection: one socket, a request at a time, stamped as bytes pass."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2

from bench.transport.arrivals import Arrivals
from bench.transport.channel import Channel
from bench.transport.incoming import Incoming
from bench.transport.outgoing import Outgoing
from bench.transport.sending import Sending
from bench.transport.stamps import RequestStamps
from bench.transport.unread import LITTLE_BYTES, Unread

# More waits in the kernel, where it holds up the sender and not our memory.
_MOST_UNREAD_BYTES = 8_000_000
# A socket is read to its end before the next, but for bodies without one.
_MOST_A_TURN_BYTES = 8_000_000
_HEAD_BYTES = 16_384


class Connection:
    """Owns one socket; each of its requests ends before the next begins."""

    def __init__(self, channel: Channel, buffer: memoryview, unread: Unread) -> None:
        """Read from here on.

        Args:
            channel: Connected.
            buffer: Bytes are read into it; connections of one loop share it,
                since nothing else runs between reading and parsing.
            unread: What all connections of one pool hold.
        """
        self._channel = channel
        self._buffer = buffer
        self._head_buffer = buffer[:_HEAD_BYTES]
        self._unread = unread
        self._loop = asyncio.get_running_loop()
        self._stamps = RequestStamps(started_ns=0)
        self._incoming: Incoming | None = None
        self._sending: Sending | None = None
        self._n_counted_bytes = 0
        self._arrivals: Arrivals | None = None
        self._is_paused = False
        self._is_closed = False
        self.idle_since_ns = 0
        self._loop.add_reader(channel.sock, self._on_readable)

    # What follows is called by the loop.

    def _on_readable(self) -> None:
        incoming = self._incoming
        if self._is_closed or self._is_paused:
            return
        if incoming is None:
            self.is_quiet()
            return
        try:
            self._read(incoming)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._ended(error)

    def _read(self, incoming: Incoming) -> None:
        """Read what is there, to its end or to that of the answer."""
        n_left_bytes = _MOST_A_TURN_BYTES
        if self._arrivals is not None:
            self._arrivals.turn()
        while n_left_bytes > 0 and not self._is_paused:
            room = incoming.room()
            # Little at first: behind the head may come what has a place to go to.
            anywhere = self._buffer if incoming.is_headed else self._head_buffer
            target = anywhere if room is None else room
            n_bytes = self._channel.read_into(target)
            if not n_bytes:
                self._ended(None)
                return
            self._arrived(incoming, n_bytes, in_place=room is not None)
            n_left_bytes -= n_bytes
            if incoming.is_over:
                break
        if not incoming.is_over:
            self._come_back()
        elif not self._may_go_on:
            self._close()

    def _come_back(self) -> None:
        """Nobody tells what was read from the socket and not from the channel."""
        if self._channel.holds_bytes:
            self._loop.call_soon(self._on_readable)

    def _arrived(self, incoming: Incoming, n_bytes: int, *, in_place: bool) -> None:
        was_over, n_begun = incoming.is_over, incoming.n_begun
        now_ns = time.monotonic_ns()
        if in_place:
            incoming.filled(n_bytes)
        else:
            incoming.feed(self._buffer[:n_bytes])
        if not was_over and self._arrivals is not None:
            has_begun = incoming.n_begun != n_begun
            self._arrivals.came(incoming, n_bytes, now_ns, has_begun=has_begun)
        self._count(incoming)
        if self._sending and (incoming.is_headed or incoming.is_over):
            self._sending.let_go()
        if self._is_too_much(incoming):
            self._pause()

    def _ended(self, cause: OSError | None) -> None:
        """Nothing more comes; without a cause the server closed the connection."""
        incoming = self._incoming
        if incoming is not None and not incoming.is_over:
            if cause is None and self._sending is not None:
                cause = self._sending.failure
            incoming.lost(cause)
            if self._arrivals is not None:
                self._arrivals.ended()
        self._close()

    # What follows is called by the pool.

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._incoming is not None and not self._incoming.is_over:
            self._incoming.fail(httpx2.ReadError("the connection was closed here"))
        self._drop()
        self._close()

    @property
    def is_reusable(self) -> bool:
        """Whether another request may be sent."""
        return not self._is_closed and (self._incoming is None or self._may_go_on)

    @property
    def _may_go_on(self) -> bool:
        incoming, sending = self._incoming, self._sending
        is_sent = sending is None or sending.is_sent
        is_kept = incoming is None or (incoming.is_whole and incoming.keeps_alive)
        return is_sent and is_kept

    def is_quiet(self) -> bool:
        """Whether the server neither closed an idle connection nor spoke on it.

        What TLS says to itself is no speech: new tickets come at any time.
        """
        if self._is_closed:
            return False
        try:
            self._channel.read_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            pass
        self.abort()
        return False

    def rest(self) -> None:
        """Nothing is asked until the next request."""
        self._drop()
        self._incoming = self._sending = None
        self.idle_since_ns = time.monotonic_ns()

    async def ask(
        self,
        outgoing: Outgoing,
        stamps: RequestStamps,
        write_s: float | None = None,
        read_s: float | None = None,
    ) -> Incoming:
        """Send a request; returns when the head of its answer is there.

        Args:
            outgoing: What is sent.
            stamps: Filled in as bytes pass.
            write_s: Seconds that the server may need to take what is written.
            read_s: Seconds that the server may send no byte.

        Raises:
            httpx2.TransportError: The exchange broke off.
        """
        self._stamps = stamps
        incoming = self._incoming = Incoming(is_head_only=outgoing.is_head_only)
        if self._is_closed:
            # It ended between being chosen and being used: nothing left.
            raise httpx2.ConnectError("the connection ended before it was used")
        self._sending = Sending(self._channel, self._all_sent)
        self._arrivals = Arrivals(self._channel, stamps)
        stamps.write_started_ns = time.monotonic_ns()
        await self._send(self._sending, outgoing, write_s)
        while not incoming.is_headed:
            await incoming.more(read_s)
        return incoming

    async def parts(self, read_s: float | None) -> AsyncIterator[bytes]:
        """The answer's body as it comes; one of a known length whole.

        Raises:
            httpx2.TransportError: It broke off.
        """
        incoming = self._incoming
        while incoming is not None:
            if incoming.is_to_be_taken:
                content = incoming.take()
                self._count(incoming)
                self._read_on()
                yield content
            elif incoming.is_whole:
                return
            else:
                self._read_on()
                await incoming.more(read_s)

    async def _send(
        self, sending: Sending, outgoing: Outgoing, write_s: float | None
    ) -> None:
        begin, rest = outgoing.begin, outgoing.rest
        goes_on = await sending.put(begin, write_s, is_last=rest is None)
        if rest is None:
            return
        async for part in rest:
            if not goes_on or self._is_answered:
                return
            goes_on = await sending.put((part,), write_s, is_last=False)
        if goes_on and not self._is_answered:
            await sending.put((), write_s, is_last=True)

    def _all_sent(self) -> None:
        """The kernel has the whole request; one that broke off never was sent."""
        if self._incoming is not None and not self._incoming.is_over:
            self._stamps.sent_ns = self._channel.handed_ns

    @property
    def _is_answered(self) -> bool:
        """Whether an answer, or an end, came while the request is being sent."""
        incoming = self._incoming
        return incoming is not None and (incoming.is_headed or incoming.is_over)

    # What follows is about what is held.

    def _count(self, incoming: Incoming) -> None:
        change = incoming.n_unread_bytes - self._n_counted_bytes
        self._n_counted_bytes += change
        if change:
            self._unread.change(change)

    def _is_too_much(self, incoming: Incoming) -> bool:
        """Whether more is held than somebody will take soon."""
        n_bytes = incoming.n_unread_bytes
        if incoming.is_over or incoming.is_awaited or n_bytes <= LITTLE_BYTES:
            return False
        return n_bytes > _MOST_UNREAD_BYTES or self._unread.is_full

    def _pause(self) -> None:
        self._is_paused = True
        self._loop.remove_reader(self._channel.sock)
        self._unread.wait(self._read_on)

    def _read_on(self) -> None:
        if not self._is_paused or self._is_closed:
            return
        self._is_paused = False
        self._unread.leave(self._read_on)
        if self._channel.holds_bytes or self._channel.is_readable():
            self._stamps.is_held = True
        self._loop.add_reader(self._channel.sock, self._on_readable)
        self._come_back()

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.drop()
            self._count(self._incoming)

    def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._unread.leave(self._read_on)
        self._loop.remove_reader(self._channel.sock)
        if self._sending is not None:
            self._sending.close()
            self._sending.let_go()
        self._channel.close()
