"""Aside: threads beside the loop, for work that would hold it up."""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")
_Work = Callable[[], Any]
# Given what the work returned, or what it raised.
_Then = Callable[[Any, Exception | None], None]
_Job = tuple[_Work, _Then, asyncio.AbstractEventLoop]


class Aside:
    """Does things in the order in which they are given; one thread, one at a time.

    An executor of the standard library costs three times as much processor time
    a thing; two of them stand in each call that is metered.
    """

    def __init__(self, name: str, n_threads: int = 1) -> None:
        """Start the threads; what they wait for does not keep the process alive."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = tuple(
            threading.Thread(target=self._work, name=name, daemon=True)
            for _ in range(n_threads)
        )
        for thread in self._threads:
            thread.start()

    @property
    def is_open(self) -> bool:
        """Whether work is still taken."""
        return all(thread.is_alive() for thread in self._threads)

    def begin(self, work: _Work, then: _Then, loop: asyncio.AbstractEventLoop) -> None:
        """Have something done; `then` is called in the loop when it is."""
        self._jobs.put((work, then, loop))

    async def do(self, work: Callable[[], Result]) -> Result:
        """Have something done, and wait; who is cancelled only stops waiting."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def tell(result: Any, error: Exception | None) -> None:  # noqa: ANN401
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        self.begin(work, tell, loop)
        return await done

    def close(self) -> None:
        """Do what was begun, then end."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, then, loop = job
            result, error = None, None
            try:
                result = work()
            except Exception as raised:  # noqa: BLE001  told to who waits
                error = raised
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(then, result, error)
            # What is large must not stay while the next job is waited for.
            del job, work, then, result, error
