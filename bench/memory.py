"""Memory: allocator and collector, set for many large answers."""

import ctypes
import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# The largest that glibc takes.
_MMAP_BYTES = 32 * 1024 * 1024
_TRIM_BYTES = 256 * 1024 * 1024


def keep_room() -> bool:
    """Hold on to freed memory; False where the system's allocator is another.

    As it comes, glibc gives the room of each answer back and takes it anew: the
    kernel then fills page after page with zeros, a third of a large answer's
    processor time. It is for a process of ours, before its threads start; a
    program that uses the library decides that itself.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    wanted = (
        (_M_MMAP_THRESHOLD, _MMAP_BYTES),
        (_M_TRIM_THRESHOLD, _TRIM_BYTES),
        # Room that one thread leaves is then another's.
        (_M_ARENA_MAX, 1),
    )
    taken = [mallopt(name, n_bytes) == 1 for name, n_bytes in wanted]
    return all(taken)


@contextmanager
def spared_collector() -> Generator[None]:
    """Have the collector pass over what is there already, while the block lasts.

    Libraries are hundreds of thousands of objects that nobody gives up; to look
    at them takes as long as a picture needs to arrive, and all stamps wait.
    """
    gc.freeze()
    try:
        yield
    finally:
        # What is never looked at again is never given up either: at the end of the
        # process DuckDB would call it leaked, on the user's terminal.
        gc.unfreeze()
