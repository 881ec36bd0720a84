"""Wrap: processor time that metering adds to a call of the official client."""

import asyncio
import base64
import ctypes
import json
import os
import resource
import socket
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import uvicorn

from pixelmeter import Endpoint, Meter, Route

SIZES = (("2 KB", 1_500), ("150 KB", 110_000), ("1.5 MB", 1_100_000))
N_CALLS = 20
N_ROUNDS = 50
# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
USAGE = {
    "input_tokens": 5,
    "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
    "output_tokens": 196,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
    "total_tokens": 201,
}
ASKED: dict[str, Any] = {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"}
SMALL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYPhfDwAChwGA60e6kgAA"
    "AABJRU5ErkJggg=="
)


def _body(n_bytes: int) -> bytes:
    """An answer whose one picture has so many bytes, noise after PNG's end."""
    content = SMALL_PNG + os.urandom(max(0, n_bytes - len(SMALL_PNG)))
    encoded = base64.b64encode(content).decode()
    answer = {"created": 1, "data": [{"b64_json": encoded}], "usage": USAGE}
    return json.dumps(answer).encode()


class _Stub:
    """A server of canned answers, in a process of its own.

    Each picture differs from the others by a number in the noise behind it: one
    that is known would not be opened.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._n = 0
        self._at = body.index(b'"b64_json": "') + 4 * len(SMALL_PNG)

    def _numbered(self) -> bytes:
        self._n += 1
        number = b"%08d" % self._n
        return self._body[: self._at] + number + self._body[self._at + len(number) :]

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._body)).encode()),
        ]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": self._numbered()})


def _serve(body: bytes) -> tuple[int, int]:
    """Start the stub in a child; returns its port and pid."""
    # asyncio switches Nagle's algorithm off only where TCP is named: with it each
    # answer would wait 40 ms for the acknowledgement of its head.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    pid = os.fork()
    if pid == 0:
        config = uvicorn.Config(_Stub(body), log_level="error", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
        os._exit(0)
    listener.close()
    return port, pid


async def _cpu_ms(ask: Callable[[], Awaitable[object]]) -> float:
    """Processor milliseconds of this process a call, all its threads."""
    await ask()
    before = time.process_time()
    for _ in range(N_CALLS):
        await ask()
    return (time.process_time() - before) * 1000 / N_CALLS


def _steady_allocator() -> None:
    """Keep freed memory, whatever was freed before.

    Else page faults, by the luck of what lies where, are some milliseconds a
    call of a large answer, with the wrap or without.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_TRIM_THRESHOLD, 256 * 2**20)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _measured(url: str, folder: Path, images: str) -> str:
    """What wrapping adds to the library's own call, and the child beside it.

    Other processes make every call dearer, by caches that they empty: the
    quietest tenth of the rounds says what the call itself takes.
    """
    children_s = _children_s()
    there = Endpoint(
        name="stub", base_url=url, api_key_env="K", route=Route.DIRECT, prices="openai"
    )
    bare = openai.AsyncOpenAI(api_key="sk-x", base_url=url)
    async with Meter(there, data=folder, images=images) as meter:
        metered = meter.wrap(openai.AsyncOpenAI(api_key="sk-x", base_url=url))
        plain, wrapped = [], []
        for _ in range(N_ROUNDS):
            plain.append(
                await _cpu_ms(lambda: bare.images.generate(prompt="x", **ASKED))
            )
            wrapped.append(
                await _cpu_ms(lambda: metered.images.generate(prompt="x", **ASKED))
            )
        await metered.close()
    await bare.close()
    beside_ms = (_children_s() - children_s) * 1000 / (N_ROUNDS * (N_CALLS + 1))
    quiet, middle = (
        (at(plain), at(wrapped) - at(plain)) for at in (_tenth, statistics.median)
    )
    return (
        f"{quiet[1]:+.2f} ms on {quiet[0]:.2f} "
        f"(median {middle[1]:+.2f} on {middle[0]:.2f}; child {beside_ms:.2f})"
    )


def _tenth(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=10)[0]


def measure() -> list[tuple[str, str, str]]:
    """Rows of (what, target, figure); what the child takes is beside it."""
    _steady_allocator()
    rows = []
    for name, n_bytes in SIZES:
        port, pid = _serve(_body(n_bytes))
        try:
            for images in ("hash", "keep", "none"):
                with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                    url = f"http://127.0.0.1:{port}/v1"
                    figure = asyncio.run(_measured(url, Path(folder), images))
                what = f"wrap, {name} answers, images {images}: processor time a call"
                target = "+1 ms" if images == "hash" else "-"
                rows.append((what, target, figure))
        finally:
            os.kill(pid, 15)
            os.waitpid(pid, 0)
    return rows
