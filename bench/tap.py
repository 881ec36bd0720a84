"""Tap: a program's own HTTP, led through a handler of ours."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx2
import orjson

from bench.live import Live
from bench.transport.pool import StampedTransport
from bench.transport.stamps import RequestStamps, stamp_into

FORBIDDEN = 403
# A program decides itself how many requests it sends at once.
_MOST_CONNECTIONS = 4096


@dataclass(slots=True)
class Memory:
    """What handlers keep of one call, each its own, over retries and redirects."""

    kept: dict[object, Any] = field(default_factory=dict[object, Any])


Handle = Callable[[httpx2.Request, Memory], Awaitable[httpx2.Response]]
# The library retries within the task or thread that called it.
_CURRENT: ContextVar[Memory | None] = ContextVar("call_memory", default=None)
# A redirect takes the extensions of its request along.
_MEMORY = "pixelmeter.memory"
# Other entries say what goes to no proxy, or concern no request of the library.
_PROXIED = {"http", "https", "all"}


def _memory(request: httpx2.Request) -> Memory:
    followed = request.extensions.get(_MEMORY)
    if isinstance(followed, Memory):
        return followed
    memory = _CURRENT.get()
    if memory is None or request.headers.get("x-stainless-retry-count", "0") == "0":
        memory = Memory()
        _CURRENT.set(memory)
    request.extensions = {**request.extensions, _MEMORY: memory}
    return memory


class AsyncTap(httpx2.AsyncBaseTransport):
    """Leads each request of an asynchronous client through a handler."""

    def __init__(self, handle: Handle) -> None:
        """Take the handler; it runs in the loop of who calls."""
        self._handle = handle

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request by the handler."""
        await request.aread()
        return await self._handle(request, _memory(request))


class SyncTap(httpx2.BaseTransport):
    """Leads each request of a synchronous client through a handler."""

    def __init__(self, handle: Handle, loop: asyncio.AbstractEventLoop) -> None:
        """Take the handler, and the loop of another thread that it runs in."""
        self._handle = handle
        self._loop = loop
        self._pid = os.getpid()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request by the handler; blocks meanwhile."""
        request.read()
        if not self._loop.is_running() or os.getpid() != self._pid:
            sentence = "nothing was sent: the meter ended, or is another process's"
            return own_answer(request, FORBIDDEN, sentence)
        work = self._work(request, _memory(request))
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C while waiting: the request is broken off, and recorded so.
            future.cancel()
            raise

    async def _work(self, request: httpx2.Request, memory: Memory) -> httpx2.Response:
        return await self._handle(request, memory)


def own_answer(request: httpx2.Request, status: int, sentence: str) -> httpx2.Response:
    """An error of ours in the API's form, which no library sends again."""
    error = {"message": sentence, "type": "pixelmeter", "code": "not_sent"}
    return httpx2.Response(
        status,
        headers={"content-type": "application/json", "x-should-retry": "false"},
        content=orjson.dumps({"error": {**error, "param": None}}),
        request=request,
    )


@dataclass(slots=True)
class Onward:
    """One request on its way, and what is known of its answer so far.

    Attributes:
        live: Its body, where it comes as events; who sent the request takes it.
    """

    stamps: RequestStamps
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    live: Live | None = None


class Relay:
    """Sends a program's requests onward, and reads answers whole but for streams."""

    def __init__(
        self, own: httpx2.Client | httpx2.AsyncClient, *, is_plain: bool
    ) -> None:
        """Open no connection yet.

        Args:
            own: The HTTP client that the program's library has.
            is_plain: Whether it is as the library makes it. Then our transport
                takes its place, which stamps at the socket; a client of the
                program's making, or one behind a proxy, sends itself, and is
                stamped from outside.
        """
        self.own = own
        self._is_plain = is_plain
        # As for the library: what the environment says when a client is made.
        self._has_proxies = bool(getproxies().keys() & _PROXIED)
        self._threads: ThreadPoolExecutor | None = None
        self._stamped: StampedTransport | None = None

    async def close(self) -> None:
        """Close connections of ours; those of the program are its own."""
        if self._stamped is not None:
            await self._stamped.aclose()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, request: httpx2.Request, onward: Onward) -> httpx2.Response:
        """Send a request and read its answer whole; the body is decoded.

        A stream of events is not read here: it is `onward.live`.

        Raises:
            httpx2.HTTPError, OSError: The exchange broke off.
        """
        started_ns = time.monotonic_ns()
        send = self._send_directly if self._is_direct(request) else self._send_by_own
        response = await send(request, onward)
        # The library's client would see only how long its part of it took.
        took_us = (time.monotonic_ns() - started_ns) / 1000
        response.elapsed = timedelta(microseconds=took_us)
        return response

    async def _send_directly(
        self, request: httpx2.Request, onward: Onward
    ) -> httpx2.Response:
        stamp_into(onward.stamps)
        if self._stamped is None:
            self._stamped = StampedTransport()
        response = await self._stamped.handle_async_request(request)
        return await _whole(response, request, onward)

    def _is_direct(self, request: httpx2.Request) -> bool:
        if not self._is_plain:
            return False
        return not self._has_proxies or bool(proxy_bypass(request.url.host))

    async def _send_by_own(
        self, request: httpx2.Request, onward: Onward
    ) -> httpx2.Response:
        onward.stamps.is_at_edge = True
        onward.stamps.write_started_ns = onward.stamps.sent_ns = time.monotonic_ns()
        if isinstance(self.own, httpx2.AsyncClient):
            response = await self.own.send(request, stream=True)
            onward.stamps.first_byte_ns = time.monotonic_ns()
            answer = await _whole(response, request, onward)
        else:
            loop = asyncio.get_running_loop()
            # As many at once as the program has threads that wait.
            self._threads = self._threads or ThreadPoolExecutor(_MOST_CONNECTIONS)
            response = await loop.run_in_executor(
                self._threads, _sent_by, self.own, request, onward
            )
            if _is_live(response):
                return _live(response, _pulled(response, self._threads), onward)
            read = partial(_read_in_thread, response, request)
            answer = await loop.run_in_executor(self._threads, read)
        if onward.live is None:
            onward.stamps.last_byte_ns = time.monotonic_ns()
        return answer


def _sent_by(
    own: httpx2.Client, request: httpx2.Request, onward: Onward
) -> httpx2.Response:
    response = own.send(request, stream=True)
    onward.stamps.first_byte_ns = time.monotonic_ns()
    onward.status, onward.headers = response.status_code, dict(response.headers.items())
    return response


def _read_in_thread(
    response: httpx2.Response, request: httpx2.Request
) -> httpx2.Response:
    try:
        if response.is_stream_consumed:
            return _read_before(response, request)
        response.read()
    finally:
        response.close()
    return _handed_on(response, request)


async def _whole(
    response: httpx2.Response, request: httpx2.Request, onward: Onward
) -> httpx2.Response:
    onward.status, onward.headers = response.status_code, dict(response.headers.items())
    if _is_live(response):
        return _live(response, response.aiter_raw(), onward)
    try:
        if response.is_stream_consumed:
            return _read_before(response, request)
        await response.aread()
    finally:
        await response.aclose()
    return _handed_on(response, request)


def _is_live(response: httpx2.Response) -> bool:
    """Whether an answer is a stream of events that nobody read yet."""
    kind = response.headers.get("content-type", "")
    is_events = kind.lower().startswith("text/event-stream")
    return is_events and response.is_success and not response.is_stream_consumed


def _live(
    response: httpx2.Response, parts: AsyncIterator[bytes], onward: Onward
) -> httpx2.Response:
    """An answer whose body the program reads while it comes."""

    async def close() -> None:
        if isinstance(response.stream, httpx2.AsyncByteStream):
            await response.aclose()
        else:
            await asyncio.get_running_loop().run_in_executor(None, response.close)

    onward.live = Live(parts, close, response.headers, onward.stamps)
    return httpx2.Response(
        response.status_code,
        headers=response.headers,
        stream=onward.live,
        extensions=response.extensions,
    )


async def _pulled(
    response: httpx2.Response, threads: ThreadPoolExecutor
) -> AsyncIterator[bytes]:
    """The body of an answer that a thread reads, part by part."""
    loop = asyncio.get_running_loop()
    parts = response.iter_raw()
    while (part := await loop.run_in_executor(threads, next, parts, None)) is not None:
        yield part


def _read_before(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """An answer that a program's hook or transport has read, so decoded."""
    plain = httpx2.Headers(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        plain.pop(name, None)
    return httpx2.Response(
        response.status_code, headers=plain, content=response.content, request=request
    )


def _handed_on(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """An answer that was read whole, for a client of either kind."""
    response.request = request
    response.stream = httpx2.ByteStream(response.content)
    return response
