"""Gate: who may still send, and what closed the way."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")
_WHOLE_RUN = frozenset({"budget", "storage", "stall", "user"})


class Closed(Exception):
    """Nothing may be sent this way any more; what was waiting is given up."""


class Gate:
    """Open until something closes it, for one endpoint or for all.

    Attributes:
        stopped_by: What closed it, in the words of the record: budget,
            quota, stall, credentials, storage, user.
        reason: The same as a sentence.
    """

    def __init__(self) -> None:
        """Begin open."""
        self.stopped_by: str | None = None
        self.reason: str | None = None
        self._closed = asyncio.Event()
        self._closed_endpoints = defaultdict[str, asyncio.Event](asyncio.Event)

    @property
    def is_closed(self) -> bool:
        """Whether nothing may be sent to anybody."""
        return self._closed.is_set()

    def is_closed_for(self, endpoint: str) -> bool:
        """Whether nothing may be sent to this endpoint."""
        return self._closed.is_set() or self._closed_endpoints[endpoint].is_set()

    def close(self, stopped_by: str, reason: str, endpoint: str | None = None) -> None:
        """Close for one endpoint, or for all.

        The first reason is kept, but one for all outranks one endpoint's.
        """
        only = None if stopped_by in _WHOLE_RUN else endpoint
        if self.stopped_by is None or (only is None and not self.is_closed):
            self.stopped_by = stopped_by
            self.reason = reason
        if only is None:
            for closed in (self._closed, *self._closed_endpoints.values()):
                closed.set()
        else:
            self._closed_endpoints[only].set()

    async def wait_for(
        self, waiting: Awaitable[Result], endpoint: str | None = None
    ) -> Result:
        """Wait for something before a request leaves, to this endpoint or any.

        Raises:
            Closed: The gate closed for all, or for this endpoint, before the
                waiting was over.
        """
        closed = self._closed
        if endpoint is not None and not self.is_closed:
            closed = self._closed_endpoints[endpoint]
        task = asyncio.ensure_future(waiting)
        closing = asyncio.ensure_future(closed.wait())
        try:
            await asyncio.wait({task, closing}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Closed
        finally:
            for pending in (task, closing):
                if not pending.done():
                    pending.cancel()
            await asyncio.gather(task, closing, return_exceptions=True)
