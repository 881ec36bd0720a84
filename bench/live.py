"""Live: the body of an answer, handed on to a program while it comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from queue import Empty, SimpleQueue

import httpx2

from bench.transport.stamps import RequestStamps

_PACKED = "content-encoding"


class Live(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """Parts of a body, taken as they come, read by a program when it likes.

    What the program is slow to read waits here and not at the endpoint, whose time
    would seem longer.

    Attributes:
        is_left: The program closed it before the end had come.
    """

    def __init__(
        self,
        parts: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        headers: httpx2.Headers,
        stamps: RequestStamps,
    ) -> None:
        """Take nothing yet.

        Args:
            parts: The body as it came over the wire.
            close: Ends the exchange.
            headers: Of the answer.
            stamps: Told the end, where it was watched from outside.
        """
        self._source = parts
        self._close = close
        self._packing = headers.get(_PACKED, "identity")
        self._stamps = stamps
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[bytes | Exception | None] = SimpleQueue()
        self._came = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        self._content: list[bytes] = []
        self._arrived: list[tuple[int, int]] = []
        self.is_left = False

    async def take(self, note: Callable[[bytes], None]) -> None:
        """Take the body to its end, or until the program leaves it.

        Args:
            note: Is given the whole body before the program has its end.

        Raises:
            httpx2.HTTPError, OSError: It broke off; the program is told the same.
        """
        self._taking = asyncio.create_task(self._take())
        try:
            await self._taking
            note(self.body)
            self._put(None)
        except asyncio.CancelledError:
            if not self.is_left:
                self._put(httpx2.ReadError("broken off by the meter"))
                raise
        except Exception as error:
            self._put(error)
            raise
        finally:
            self._taking.cancel()
            await self._close()
            if self._stamps.is_at_edge:
                self._stamps.last_byte_ns = time.monotonic_ns()

    async def _take(self) -> None:
        n_bytes = 0
        async for part in self._source:
            self._content.append(part)
            n_bytes += len(part)
            self._arrived.append((n_bytes, time.monotonic_ns()))
            self._put(part)

    def _put(self, piece: bytes | Exception | None) -> None:
        self._waiting.put(piece)
        self._came.set()

    @property
    def body(self) -> bytes:
        """What came so far, unpacked; of what can't be unpacked nothing."""
        content = b"".join(self._content)
        if self._packing == "identity":
            return content
        try:
            packing = {_PACKED: self._packing}
            return httpx2.Response(200, headers=packing, content=content).content
        except httpx2.DecodingError:
            return b""

    @property
    def arrived(self) -> tuple[tuple[int, int], ...]:
        """How many bytes of the body were there at which instant, in nanoseconds.

        By the socket where that is ours; of a packed body nobody knows.
        """
        if self._packing != "identity":
            return ()
        return tuple(self._stamps.arrived or self._arrived)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The parts, for a program in the loop."""
        while True:
            try:
                piece = self._waiting.get_nowait()
            except Empty:
                self._came.clear()
                await self._came.wait()
                continue
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def __iter__(self) -> Iterator[bytes]:
        """The parts, for a program in a thread of its own."""
        while (piece := self._waiting.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        """The program in the loop has enough."""
        self._leave()

    def close(self) -> None:
        """The program in its thread has enough."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        if self._taking is not None and not self._taking.done():
            self.is_left = True
            self._taking.cancel()
