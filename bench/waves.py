"""Waves: pieces of work begun as slots become free."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import chain, islice

from bench.plan.options import Options
from bench.selfcheck.watch import Watch
from bench.traffic.gate import Closed, Gate
from bench.turns import Piece


class Waves:
    """Has so many pieces in flight; where there are waves, so many begin together.

    A conversation is one piece: no pause parts its turns.
    """

    def __init__(
        self,
        options: Options,
        gate: Gate,
        watch: Watch,
        begin: Callable[[Piece], Awaitable[None]],
    ) -> None:
        """Nothing is begun yet."""
        self._options = options
        self._gate = gate
        self._watch = watch
        self._begin = begin

    async def send(self, due: Iterator[Piece]) -> None:
        """Begin pieces in their order; return when all have ended.

        Args:
            due: The pieces; those to an endpoint that closed the way are left out.
        """
        coming = (p for p in due if not self._is_closed_for(p))
        size, is_first = self._options.wave, True
        while not self._gate.is_closed and (piece := next(coming, None)) is not None:
            if not is_first:
                with suppress(Closed):
                    pause = asyncio.sleep(self._options.wave_pause_s)
                    await self._gate.wait_for(pause)
            is_first = False
            others = coming if size is None else islice(coming, size - 1)
            await self._wave(chain((piece,), others))

    def _is_closed_for(self, piece: Piece) -> bool:
        return self._gate.is_closed_for(piece[0].trial.cell.endpoint)

    async def _wave(self, wave: Iterator[Piece]) -> None:
        self._watch.has_more = True

        async def worker() -> None:
            for piece in wave:
                if self._gate.is_closed:
                    break
                await self._begin(piece)
            self._watch.has_more = False

        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.concurrency):
                group.create_task(worker())
