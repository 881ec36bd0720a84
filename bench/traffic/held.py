"""Held: bytes of answers that came and are not recorded yet."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

MOST_BYTES = 128_000_000


class Held:
    """Counts bytes; requests wait before they leave while there are too many.

    What is in flight already arrives all the same: only its sender could be held
    up, and with him the clock.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Hold nothing yet."""
        self.n_bytes = 0
        self._most_bytes = most_bytes
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_full(self) -> bool:
        """Whether requests should wait."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Return when there is room."""
        await self._room.wait()

    @contextmanager
    def holding(self, n_bytes: int) -> Generator[None]:
        """Count so many bytes in the meantime."""
        self._change(n_bytes)
        try:
            yield
        finally:
            self._change(-n_bytes)

    def _change(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        if self.n_bytes > self._most_bytes:
            self._room.clear()
        else:
            self._room.set()
