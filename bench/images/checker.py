"""Checker: pictures judged in a child process, one after the other."""

import asyncio
import contextlib
import hashlib
import json
import sys
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

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
        self._turn = asyncio.Lock()

    async def check(self, content: bytes, *, thumbnail: bool) -> Checked:
        """Facts of one picture; a problem is a fact, not an error."""
        if len(content) <= SMALL_BYTES:
            digest = _digest(content)
        else:
            loop = asyncio.get_running_loop()
            digest = await loop.run_in_executor(self._worker, _digest, content)
        if len(content) > MOST_PICTURE_BYTES:
            facts = _nothing(f"more than {MOST_PICTURE_BYTES:,} bytes")
            small = b""
        else:
            async with self._turn:
                facts, small = await self._ask(content, thumbnail=thumbnail)
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
        """End the child."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _ask(
        self, content: bytes, *, thumbnail: bool
    ) -> tuple[dict[str, Any], bytes]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._exchange(content, thumbnail=thumbnail)
        except TimeoutError:
            problem = f"takes more than {PATIENCE_S:.0f} s to decode"
        except _ENDED:
            problem = "ends the decoder"
        except asyncio.CancelledError:
            # The answer under way would be taken for that of the next picture.
            await self.close()
            raise
        await self.close()
        return _nothing(problem), b""

    async def _exchange(
        self, content: bytes, *, thumbnail: bool
    ) -> tuple[dict[str, Any], bytes]:
        child = self._child
        if child is None or child.returncode is not None:
            child = await self._start()
        writer, reader = child.stdin, child.stdout
        if writer is None or reader is None:
            raise EOFError
        request = {"n_bytes": len(content), "thumbnail": thumbnail}
        writer.write(json.dumps(request).encode() + b"\n")
        writer.write(content)
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
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": ""},
            start_new_session=True,
        )
        return self._child


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _nothing(problem: str) -> dict[str, Any]:
    return {
        "format": None,
        "width_px": None,
        "height_px": None,
        "simulated": False,
        "problem": problem,
    }
