"""Checker: pictures judged in a child process, one after the other."""

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import IO, Any

from bench.attempt import Picture

PATIENCE_S = 30.0
MOST_PICTURE_BYTES = 64_000_000
# Below, work takes less time than handing it to another thread.
SMALL_BYTES = 64_000
_ENDED = (OSError, EOFError, asyncio.IncompleteReadError, json.JSONDecodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A picture's facts, and its thumbnail when one was asked for."""

    picture: Picture
    thumbnail: bytes


class PictureChecker:
    """Owns the child; a child that dies or hangs costs one picture."""

    def __init__(self, worker: Executor | None = None) -> None:
        """Start no child yet; digests are computed by `worker`."""
        self._worker = worker
        self._child: asyncio.subprocess.Process | None = None
        # Much cheaper than a pipe, which takes 64 KB at a time.
        self._shared = _shared_file()
        self._turn = asyncio.Lock()

    async def check(self, content: bytes, *, thumbnail: bool) -> Checked:
        """Facts of one picture; a problem is a fact, not an error."""
        async with self._turn:
            if len(content) <= SMALL_BYTES:
                digest, problem = self._share(content)
            else:
                digest, problem = await self._share_aside(content)
            if problem is not None:
                facts, small = _nothing(problem), b""
            else:
                facts, small = await self._ask(len(content), thumbnail=thumbnail)
        picture = Picture(
            sha256=digest,
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
        await self._end_child()
        async with self._turn:
            await self._end_child()
            self._shared.close()

    async def _share_aside(self, content: bytes) -> tuple[str, str | None]:
        loop = asyncio.get_running_loop()
        sharing = loop.run_in_executor(self._worker, self._share, content)
        try:
            return await asyncio.shield(sharing)
        except asyncio.CancelledError:
            # Bytes that still arrive would spoil the next picture; who is told
            # twice to stop waits all the same.
            while not sharing.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({sharing})
            raise

    def _share(self, content: bytes) -> tuple[str, str | None]:
        """Lay a picture where the child finds it.

        Returns:
            Its digest, and why it does not lie there (None: it does).
        """
        digest = hashlib.sha256(content).hexdigest()
        if len(content) > MOST_PICTURE_BYTES:
            return digest, f"more than {MOST_PICTURE_BYTES:,} bytes"
        rest, at = memoryview(content), 0
        try:
            while at < len(rest):
                at += os.pwrite(self._shared.fileno(), rest[at:], at)
        except OSError as error:
            # It is paid: that it could not be looked at must not lose it.
            return digest, f"could not be looked at ({error.strerror})"
        return digest, None

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _ask(
        self, n_bytes: int, *, thumbnail: bool
    ) -> tuple[dict[str, Any], bytes]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._exchange(n_bytes, thumbnail=thumbnail)
        except TimeoutError:
            problem = f"takes more than {PATIENCE_S:.0f} s to decode"
        except _ENDED:
            problem = "ends the decoder"
        except asyncio.CancelledError:
            # The answer under way would be taken for that of the next picture.
            await self._end_child()
            raise
        await self._end_child()
        return _nothing(problem), b""

    async def _exchange(
        self, n_bytes: int, *, thumbnail: bool
    ) -> tuple[dict[str, Any], bytes]:
        child = self._child
        if child is None or child.returncode is not None:
            child = await self._start()
        writer, reader = child.stdin, child.stdout
        if writer is None or reader is None:
            raise EOFError
        request = {"n_bytes": n_bytes, "thumbnail": thumbnail}
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        facts = json.loads(await reader.readline())
        return facts, await reader.readexactly(facts["n_thumbnail_bytes"])

    async def _start(self) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C at the terminal must not reach the child.
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "bench.images.inspector",
            str(self._shared.fileno()),
            pass_fds=(self._shared.fileno(),),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": ""},
            start_new_session=True,
        )
        return self._child


def _shared_file() -> IO[bytes]:
    """A file without a name, in memory where the system offers that."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("picture"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _nothing(problem: str) -> dict[str, Any]:
    return {
        "format": None,
        "width_px": None,
        "height_px": None,
        "simulated": False,
        "problem": problem,
    }
