"""Limiter: requests and images a minute at one endpoint."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

WINDOW_S = 60.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class SlidingWindow:
    """At most `limit` units in any 60 seconds; turns come in order."""

    def __init__(
        self,
        limit: int,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Begin with an empty window."""
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        # When units come back, and how many. The instant itself is kept: an
        # age compared with 60 s and a wait for it could round differently.
        self._leaving: deque[tuple[float, int]] = deque()
        self._n_taken = 0

    async def take(self, units: int) -> None:
        """Wait until `units` fit; more than the limit wait for a free window."""
        wanted = min(units, self._limit)
        async with self._turn:
            while True:
                now = self._clock()
                self._forget(now)
                if self._n_taken + wanted <= self._limit:
                    break
                await self._sleep(self._leaving[0][0] - now)
            self._leaving.append((now + WINDOW_S, wanted))
            self._n_taken += wanted

    def _forget(self, now: float) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            self._n_taken -= self._leaving.popleft()[1]


class EndpointLimiter:
    """The limits of one endpoint together: requests and images a minute."""

    def __init__(self, requests: int | None, images: int | None) -> None:
        """None sets no limit."""
        self._requests = SlidingWindow(requests) if requests else None
        self._images = SlidingWindow(images) if images else None

    @property
    def is_open(self) -> bool:
        """Whether there is no limit to wait for."""
        return self._requests is None and self._images is None

    async def take(self, n_images: int) -> None:
        """Wait until one request for `n_images` may leave."""
        if self._requests:
            await self._requests.take(1)
        if self._images:
            await self._images.take(n_images)
