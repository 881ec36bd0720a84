"""Checker: pictures judged in a child process, one after the other."""

import asyncio
import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from bench.aside import Aside
from bench.attempt import Picture
from bench.images.child import Child, Told

PATIENCE_S = 30.0
MOST_PICTURE_BYTES = 64_000_000
# Below, laying a picture down takes less time than handing it to a thread.
_SMALL_BYTES = 2_000_000
_ENDED = (OSError, EOFError, ValueError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A picture's facts, and its thumbnail when one was asked for."""

    picture: Picture
    thumbnail: bytes


class PictureChecker:
    """Owns the child; a child that dies or hangs costs one picture."""

    def __init__(self, aside: Aside) -> None:
        """Start no child yet; what is large is copied `aside`."""
        self._aside = aside
        self._child: Child | None = None
        # Much cheaper than a pipe, which takes 64 KB at a time.
        self._shared = _shared_file()
        self._turn = asyncio.Lock()

    async def check(
        self, content: bytes, *, thumbnail: bool, sha256: str | None = None
    ) -> Checked:
        """Facts of one picture; a problem is a fact, not an error.

        Its digest is computed aside where it is not given.
        """
        if sha256 is None:
            sha256 = await self._aside.do(partial(_digest, content))
        async with self._turn:
            problem = await self._lay(content)
            if problem is None:
                facts, small = await self._ask(len(content), thumbnail=thumbnail)
            else:
                facts, small = _nothing(problem)
        picture = Picture(
            sha256=sha256,
            n_bytes=len(content),
            format=facts["format"],
            width_px=facts["width_px"],
            height_px=facts["height_px"],
            simulated=facts["simulated"],
            problem=facts["problem"],
        )
        return Checked(picture=picture, thumbnail=small)

    async def close(self) -> None:
        """End the child; a picture that is being looked at ends with it."""
        self._end_child()
        async with self._turn:
            self._end_child()
            self._shared.close()

    async def _lay(self, content: bytes) -> str | None:
        """Lay a picture where the child finds it; why it does not lie there."""
        if len(content) > MOST_PICTURE_BYTES:
            return f"more than {MOST_PICTURE_BYTES:,} bytes"
        lay = partial(_write, self._shared, content)
        if len(content) <= _SMALL_BYTES:
            return lay()
        laying = asyncio.ensure_future(self._aside.do(lay))
        try:
            return await asyncio.shield(laying)
        except asyncio.CancelledError:
            # Bytes that still arrive would spoil the next picture; who is told
            # twice to stop waits all the same.
            while not laying.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({laying})
            raise

    async def _ask(self, n_bytes: int, *, thumbnail: bool) -> Told:
        try:
            if self._child is None or not self._child.is_there:
                self._end_child()
                self._child = Child(self._shared.fileno())
            async with asyncio.timeout(PATIENCE_S):
                return await self._child.ask(n_bytes, thumbnail=thumbnail)
        except TimeoutError:
            problem = f"takes more than {PATIENCE_S:.0f} s to decode"
        except _ENDED:
            problem = "ends the decoder"
        except asyncio.CancelledError:
            # The answer under way would be taken for that of the next picture.
            self._end_child()
            raise
        self._end_child()
        return _nothing(problem)

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(shared: IO[bytes], content: bytes) -> str | None:
    rest, at = memoryview(content), 0
    try:
        while at < len(rest):
            at += os.pwrite(shared.fileno(), rest[at:], at)
    except OSError as error:
        # It is paid: that it could not be looked at must not lose it.
        return f"could not be looked at ({error.strerror})"
    return None


def _shared_file() -> IO[bytes]:
    """A file without a name, in memory where the system offers that."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("picture"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _nothing(problem: str) -> Told:
    facts: dict[str, Any] = {
        "format": None,
        "width_px": None,
        "height_px": None,
        "simulated": False,
        "problem": problem,
    }
    return facts, b""
