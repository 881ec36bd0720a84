"""Moment: work that may wait a little, so that it is done together."""

import asyncio


class Moment:
    """Whoever waits is let go with the others, at the end of one short span.

    What is done in one go meets warm caches, and wakes a child or a thread once.
    """

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._end: asyncio.Event | None = None

    async def over(self, within_s: float) -> None:
        """Return at the end of the span that is under way, or of a new one."""
        if self._end is None:
            self._end = asyncio.Event()
            asyncio.get_running_loop().call_later(within_s, self._finish)
        await self._end.wait()

    def _finish(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            end.set()
