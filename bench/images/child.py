"""Child: the process that opens pictures, spoken to by the loop."""

import asyncio
import json
import os
import re
import subprocess
import sys
from typing import Any, cast

_READ_BYTES = 65_536
# A thumbnail takes a tenth of it.
_MOST_TOLD_BYTES = 2_000_000
_MOST_EDGE_PX = 2**32
_FORMAT = re.compile("[a-z0-9]{0,8}")
_PROBLEM = re.compile("[ -~]{0,200}")

# The facts of a picture, and its thumbnail's bytes.
Told = tuple[dict[str, Any], bytes]


class Child:
    """One child; it is asked one thing at a time, and tells it in turn."""

    def __init__(self, shared: int) -> None:
        """Start it.

        Args:
            shared: Descriptor of the file in which pictures lie.

        Raises:
            OSError: It could not be started.
        """
        # A session of its own: Ctrl-C at the terminal must not reach the child.
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-I", "-m", "bench.images.inspector", str(shared)],
            bufsize=0,
            pass_fds=(shared,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": ""},
            start_new_session=True,
        )
        self._pipe = _descriptor(self._process.stdout)
        os.set_blocking(self._pipe, False)
        self._received = bytearray()
        self._told: asyncio.Future[Told] | None = None
        self._is_gone = False
        # The streams of asyncio would cost more than all else that we do.
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._pipe, self._hear)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_there(self) -> bool:
        """Whether it can be asked; one that ended unheard can't."""
        return not self._is_gone and self._process.poll() is None

    async def ask(self, n_bytes: int, *, thumbnail: bool) -> Told:
        """What it tells of the picture that lies in the shared file.

        Raises:
            OSError, EOFError: It is gone, or ended meanwhile.
            ValueError, KeyError, RecursionError: What it says is no answer.
        """
        request = {"n_bytes": n_bytes, "thumbnail": thumbnail}
        os.write(_descriptor(self._process.stdin), json.dumps(request).encode() + b"\n")
        self._told = self._loop.create_future()
        return await self._told

    def end(self) -> int:
        """End it, whatever it does; returns how it ended."""
        self._leave(EOFError())
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.wait()

    def _leave(self, error: Exception) -> None:
        """Listen no more; who waits is told why."""
        if not self._is_gone:
            self._is_gone = True
            self._loop.remove_reader(self._pipe)
        if self._told is not None and not self._told.done():
            self._told.set_exception(error)

    def _hear(self) -> None:
        try:
            part = os.read(self._pipe, _READ_BYTES)
            if not part:
                raise EOFError  # noqa: TRY301  told to who waits, as the others are
            if self._told is None or self._told.done():
                # It would be taken for the answer about the next picture.
                raise ValueError  # noqa: TRY301  as above
            self._received += part
            told = _told(self._received)
        except BlockingIOError:
            return
        except (OSError, EOFError, ValueError, KeyError, RecursionError) as error:
            self._leave(error)
            return
        if told is not None:
            self._received.clear()
            self._told.set_result(told)


def _told(received: bytearray) -> Told | None:
    """A line of facts and the thumbnail behind it; None while it is not whole.

    Raises:
        ValueError, KeyError, RecursionError: It is no answer of ours.
    """
    if len(received) > _MOST_TOLD_BYTES:
        raise ValueError
    end = received.find(b"\n") + 1
    if not end:
        return None
    content = json.loads(received[:end])
    facts = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if not _is_sound(facts):
        raise ValueError
    whole = end + facts["n_thumbnail_bytes"]
    if len(received) > whole:
        raise ValueError
    return None if len(received) < whole else (facts, bytes(received[end:whole]))


def _is_sound(facts: dict[str, Any]) -> bool:
    """Whether facts are such as we tell: a picture may have led the child astray.

    The format names files; the problem is read at a terminal.
    """
    edges_px = (facts["width_px"], facts["height_px"])
    return (
        (facts["format"] is None or _is_written(facts["format"], _FORMAT))
        and all(px is None or _is_count(px, _MOST_EDGE_PX) for px in edges_px)
        and isinstance(facts["simulated"], bool)
        and (facts["problem"] is None or _is_written(facts["problem"], _PROBLEM))
        and _is_count(facts["n_thumbnail_bytes"], _MOST_TOLD_BYTES)
    )


def _is_count(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_written(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _descriptor(pipe: Any) -> int:  # noqa: ANN401  None only without a pipe
    number: int = pipe.fileno()
    return number
