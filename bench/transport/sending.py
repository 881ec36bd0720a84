"""Sending: one request on its way into the kernel."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import httpx2

from bench.transport.channel import Channel


class Sending:
    """Hands bytes over as the kernel takes them.

    Attributes:
        is_sent: The kernel has the whole request.
        failure: Why it takes no more, None while it does.
    """

    def __init__(self, channel: Channel, on_sent: Callable[[], None]) -> None:
        """Hand over nothing yet.

        Args:
            channel: Where bytes go.
            on_sent: Called when the kernel has the last byte.
        """
        self.is_sent = False
        self.failure: OSError | None = None
        self._channel = channel
        self._on_sent = on_sent
        self._loop = asyncio.get_running_loop()
        self._left: deque[memoryview] = deque()
        self._is_full = False
        self._is_last = False
        self._waiting: asyncio.Future[None] | None = None

    async def put(
        self, parts: tuple[bytes, ...], within_s: float | None, *, is_last: bool
    ) -> bool:
        """Hand over parts; False when it was stopped or failed before they were.

        Raises:
            httpx2.WriteTimeout: The server took too long to take them.
        """
        self._left.extend(memoryview(part) for part in parts if part)
        self._is_last = is_last
        self._push()
        if self._is_full:
            await self._pushed(within_s)
        return not self._is_full and self.failure is None

    def let_go(self) -> None:
        """Who waits need not wait: an answer came, or an end."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Hand over no more."""
        self._left.clear()
        self._be_full(full=False)

    async def _pushed(self, within_s: float | None) -> None:
        self._waiting = self._loop.create_future()
        try:
            async with asyncio.timeout(within_s):
                await self._waiting
        except TimeoutError:
            sentence = f"the server did not take the request within {within_s:g} s"
            raise httpx2.WriteTimeout(sentence) from None
        finally:
            self._waiting = None

    def _push(self) -> None:
        try:
            while self._left:
                n_bytes = self._channel.write(self._left[0])
                self._left[0] = self._left[0][n_bytes:]
                if not self._left[0]:
                    self._left.popleft()
            self._channel.flush()
        except (BlockingIOError, InterruptedError):
            self._be_full(full=True)
            return
        except OSError as error:
            # An answer that came before may still be read.
            self.failure = error
            self._left.clear()
        else:
            self._sent()
        self._be_full(full=False)
        self.let_go()

    def _sent(self) -> None:
        if self._is_last and not self.is_sent:
            self.is_sent = True
            self._on_sent()

    def _be_full(self, *, full: bool) -> None:
        if full == self._is_full:
            return
        self._is_full = full
        with suppress(OSError, ValueError):
            if full:
                self._loop.add_writer(self._channel.sock, self._push)
            else:
                self._loop.remove_writer(self._channel.sock)
