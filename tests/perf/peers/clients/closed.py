"""Closed: so many requests, so many at a time, each named and timed.

What every plain client here shares; pure standard library, since they run in
different environments. A client is called with: URL COUNT IN_FLIGHT OUT.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ASKED: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A lighthouse on a rock in the evening",
    "quality": "low",
    "size": "1024x1024",
}
ID_HEADER = "X-Client-Request-Id"

# Sends the request of the given name; returns nanoseconds that it took where the
# client has stamps of its own, else None.
Ask = Callable[[str], Awaitable[int | None]]


def arguments() -> tuple[str, int, int]:
    """URL, how many requests, how many in flight."""
    return sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def drive(ask: Ask) -> None:
    """Send all requests and write what each took, one JSON line each."""
    taken = await _sent(ask)
    lines = [json.dumps({"id": i, "latency_s": ns / 1e9}) + "\n" for i, ns in taken]
    await asyncio.to_thread(Path(sys.argv[4]).write_text, "".join(lines))


async def _sent(ask: Ask) -> list[tuple[str, int]]:
    _, count, in_flight = arguments()
    names = iter(range(count))
    taken: list[tuple[str, int]] = []

    async def worker() -> None:
        for number in names:
            name = f"r{number}"
            begun_ns = time.monotonic_ns()
            told_ns = await ask(name)
            took_ns = time.monotonic_ns() - begun_ns
            taken.append((name, took_ns if told_ns is None else told_ns))

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return taken
