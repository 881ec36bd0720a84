"""News: one who waits for more of an answer, and what wakes him."""

import asyncio
import time

import httpx2


class News:
    """Wakes who waits."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: asyncio.Future[None] | None = None
        self._came_at = 0.0

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits, and was not woken yet."""
        return self._waiting is not None and not self._waiting.done()

    def bytes_came(self) -> None:
        """Bytes came, whether they wake anybody or not."""
        self._came_at = time.monotonic()

    def wake(self) -> None:
        """There is something that is worth waking for."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, within_s: float | None) -> None:
        """Return when woken.

        Raises:
            httpx2.ReadTimeout: No byte came for so long.
        """
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        try:
            if within_s is None:
                await waiting
            else:
                await self._woken(waiting, within_s)
        finally:
            self._waiting = None

    async def _woken(self, waiting: asyncio.Future[None], within_s: float) -> None:
        began_at = time.monotonic()
        while not waiting.done():
            left_s = max(began_at, self._came_at) + within_s - time.monotonic()
            if left_s <= 0:
                raise httpx2.ReadTimeout(f"nothing came for {within_s:g} s")
            await asyncio.wait((waiting,), timeout=left_s)
