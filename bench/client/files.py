"""Files: pictures laid at an endpoint before a request names them."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.client.exchange import Exchange
from bench.reference import Reference
from bench.wire.parsed import json_object
from bench.wire.reading import text

Upload = Callable[[Reference], Awaitable[Exchange]]
_LONGEST_ID = 500
# No picture of a benchmark stays at the endpoint for ever; one that is needed for
# longer than a day is laid there anew, so that it outlives what was begun with it.
KEPT_S = 7 * 24 * 3600
_FRESH_S = 24 * 3600


class NotUploaded(Exception):
    """A picture does not lie at the endpoint; what came back is with it."""

    def __init__(self, reference: Reference, answer: Exchange) -> None:
        """Take the picture and what came of its upload."""
        name = reference.file or f"{(reference.sha256 or '')[:12]}.{reference.format}"
        super().__init__(f"the upload of {name} failed, so nothing was asked")
        self.answer = answer


class Files:
    """Uploads each picture once; who needs one under way waits for it."""

    def __init__(self, upload: Upload, now_s: Callable[[], float] = time.time) -> None:
        """Upload nothing yet; `now_s` tells the time by which they expire."""
        self._upload = upload
        self._now_s = now_s
        self._ids: dict[str, asyncio.Task[str]] = {}
        self._since_s: dict[str, float] = {}

    async def ids_of(self, references: tuple[Reference, ...]) -> dict[str, str]:
        """What the endpoint calls pictures of ours, by their digest.

        Raises:
            NotUploaded: One could not be laid there.
            BenchError: One can't be read.
        """
        found: dict[str, str] = {}
        for reference in references:
            if reference.sha256 is not None:
                found[reference.sha256] = await self._id_of(reference.sha256, reference)
        return found

    async def _id_of(self, digest: str, reference: Reference) -> str:
        task, now_s = self._ids.get(digest), self._now_s()
        is_old = task is not None and now_s - self._since_s[digest] > _FRESH_S
        if task is None or (is_old and task.done()):
            task = asyncio.create_task(self._laid(reference))
            self._ids[digest], self._since_s[digest] = task, now_s
            task.add_done_callback(lambda done: self._forget_failed(digest, done))
        # Who gives up does not take it from the others who wait.
        return await asyncio.shield(task)

    async def _laid(self, reference: Reference) -> str:
        answer = await self._upload(reference)
        name = _id(answer)
        if name is None:
            raise NotUploaded(reference, answer)
        return name

    def _forget_failed(self, digest: str, task: asyncio.Task[str]) -> None:
        """The next trial tries again."""
        is_failed = task.cancelled() or task.exception() is not None
        if is_failed and self._ids.get(digest) is task:
            del self._ids[digest]

    async def close(self) -> None:
        """Break off what is under way."""
        under_way = [task for task in self._ids.values() if not task.done()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _id(answer: Exchange) -> str | None:
    if answer.failure is not None or answer.status not in range(200, 300):
        return None
    said = json_object(answer.body or b"") or {}
    return text(said.get("id"), _LONGEST_ID)
