"""Pacing: trials begun at the instants of a schedule."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator

from bench.plan.frozen import PlannedTrial
from bench.traffic.gate import Closed, Gate

# How soon a sleeping schedule sees that nothing more is to be sent.
_GLANCE_S = 0.2
_NS_PER_S = 1e9

# Carries a trial out that was due at an instant of the monotonic clock.
Begin = Callable[[PlannedTrial, int], Awaitable[None]]


class Pacer:
    """Begins trials at their instants, whatever became of those before.

    What can't begin in time, because so many are in flight already, begins as soon
    as it can. Until then it waits in the schedule, where it holds no memory.
    """

    def __init__(self, gate: Gate, most_at_once: int, begin: Begin) -> None:
        """Nothing is begun yet."""
        self._gate = gate
        self._slots = asyncio.Semaphore(most_at_once)
        self._begin = begin
        self._start_ns = 0
        self._coming: Iterator[float] = iter(())
        self._next_s: float | None = None
        self._n_left = 0
        self._n_offered = 0
        self.n_begun = 0

    def n_offered(self) -> int:
        """How many trials have been due so far."""
        elapsed_s = (time.monotonic_ns() - self._start_ns) / _NS_PER_S
        while self._next_s is not None and self._next_s <= elapsed_s and self._n_left:
            self._n_offered += 1
            self._n_left -= 1
            self._next_s = next(self._coming, None)
        return self._n_offered

    async def pace(
        self,
        supply: Iterator[PlannedTrial],
        offsets_s: Iterator[float],
        n_most: int,
        *,
        is_enough: Callable[[], bool],
    ) -> None:
        """Begin trials at their offsets from now; return when all have ended.

        Args:
            supply: The trials; one that is not begun is not taken, or goes to an
                endpoint that closed the way.
            offsets_s: When each is due, in seconds from the start, rising.
            n_most: How many are begun at most.
            is_enough: Asked before each; True begins no more.

        Raises:
            Exception: What `begin` raises first; the others are broken off.
        """
        offsets_s, self._coming = itertools.tee(offsets_s)
        self._start_ns = time.monotonic_ns()
        self._n_left, self._next_s = n_most, next(self._coming, None)
        async with asyncio.TaskGroup() as group:
            for offset_s in itertools.islice(offsets_s, n_most):
                due_ns = self._start_ns + round(offset_s * _NS_PER_S)
                if not await self._until(due_ns, is_enough):
                    break
                if (planned := next(supply, None)) is None:
                    break
                if self._gate.is_closed_for(planned.trial.cell.endpoint):
                    continue
                if not await self._slot():
                    break
                self.n_begun += 1
                group.create_task(self._carried_out(planned, due_ns))
            # Offered is what was due until here, and no more.
            self.n_offered()
            self._n_left = 0

    async def _until(self, due_ns: int, is_enough: Callable[[], bool]) -> bool:
        """Wait for an instant; False when no more is to be begun."""
        while not (self._gate.is_closed or is_enough()):
            wait_s = (due_ns - time.monotonic_ns()) / _NS_PER_S
            if wait_s <= 0:
                return True
            await asyncio.sleep(min(wait_s, _GLANCE_S))
        return False

    async def _slot(self) -> bool:
        try:
            # What need not wait costs no task.
            if self._slots.locked():
                await self._gate.wait_for(self._slots.acquire())
            else:
                await self._slots.acquire()
        except Closed:
            return False
        return True

    async def _carried_out(self, planned: PlannedTrial, due_ns: int) -> None:
        try:
            await self._begin(planned, due_ns)
        finally:
            self._slots.release()
