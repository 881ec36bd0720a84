"""Upstream: the server that a gateway asks, and what it answers."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httpx2
import orjson
from starlette.requests import Request

from bench.emulator.options import Manner
from bench.emulator.refusals import Refusal, RefusedError
from bench.emulator.state import Emulator, emulator_of, exchange_of

FORWARDED_HEADERS = ("authorization", "x-client-request-id")
JSON = "application/json"
LITELLM_CALLS = 3
# Lines end by LF, CR LF or CR.
BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
EVENT_BYTES_MAX = 128 * 1024 * 1024
RETRY_WAIT_S = 0.5
TOO_MANY = 429
SERVER_ERRORS = 500
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What is sent to the upstream: its body and what that is."""

    content: bytes | None = field(repr=False, default=None)
    media_type: str = JSON
    method: str = "POST"
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the upstream answered."""

    status: int
    body: bytes = field(repr=False)
    media_type: str
    request_id: str | None
    retry_after: str | None


class UpstreamCutError(Exception):
    """The upstream's stream ended in its middle."""


def client_for(upstream_url: str) -> httpx2.AsyncClient:
    """Return a client whose requests go to `upstream_url` (it ends in `/v1`)."""
    return httpx2.AsyncClient(
        base_url=upstream_url.rstrip("/"),
        timeout=None,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        trust_env=False,
        follow_redirects=False,
    )


async def exchanged(request: Request, outgoing: Outgoing, *, tries: bool) -> Reply:
    """Have a request answered. With `tries` litellm hides up to two further calls.

    Raises:
        RefusedError: the upstream refused or could not be reached.
    """
    emulator, entry = emulator_of(request), exchange_of(request).entry
    litellm = tries and emulator.manner is Manner.LITELLM
    n_calls = LITELLM_CALLS if litellm else 1
    while True:
        async with streamed(request, outgoing) as found:
            reply = await whole(found)
        passing = reply.status == TOO_MANY or reply.status >= SERVER_ERRORS
        if not passing or entry.upstream_calls >= n_calls:
            break
        await asyncio.sleep(RETRY_WAIT_S * emulator.profile.time_scale)
    if reply.status != OK:
        raise RefusedError(refusal_of(reply))
    return reply


async def fetched(request: Request) -> Reply:
    """Fetch what the upstream says at the same address.

    Raises:
        RefusedError: as `exchanged`.
    """
    return await exchanged(request, Outgoing(method="GET"), tries=False)


@asynccontextmanager
async def streamed(
    request: Request, outgoing: Outgoing
) -> AsyncGenerator[httpx2.Response]:
    """Send a request, and give its answer while it comes.

    Raises:
        RefusedError: the upstream could not be reached.
    """
    emulator, entry = emulator_of(request), exchange_of(request).entry
    entry.upstream_calls += 1
    upstream = cast("httpx2.AsyncClient", emulator.upstream)
    headers = {
        key: request.headers[key] for key in FORWARDED_HEADERS if key in request.headers
    }
    if outgoing.content is not None:
        headers["content-type"] = outgoing.media_type
    path = outgoing.path or request.url.path.removeprefix("/v1")
    query = request.url.query
    asked = upstream.build_request(
        outgoing.method,
        f"{path}?{query}" if query else path,
        content=outgoing.content,
        headers=headers,
    )
    try:
        found = await upstream.send(asked, stream=True)
    except httpx2.HTTPError as error:
        raise _unreachable(error) from None
    entry.upstream_id = found.headers.get("x-request-id")
    try:
        yield found
    finally:
        await found.aclose()


async def whole(found: httpx2.Response) -> Reply:
    """Read an answer to its end.

    Raises:
        RefusedError: it ended too early.
    """
    try:
        body = await found.aread()
    except httpx2.HTTPError as error:
        raise _unreachable(error) from None
    return Reply(
        status=found.status_code,
        body=body,
        media_type=found.headers.get("content-type", JSON),
        request_id=found.headers.get("x-request-id"),
        retry_after=found.headers.get("retry-after"),
    )


async def blocks_of(found: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the events of a stream as they come, each with its blank line.

    Raises:
        UpstreamCutError: it ended too early, or an event has no end.
    """
    held = bytearray()
    try:
        async for piece in found.aiter_bytes():
            # A blank line may lie across two pieces.
            looked_at = max(0, len(held) - 3)
            held += piece
            while blank := BLANK_LINE.search(held, looked_at):
                yield bytes(held[: blank.end()])
                del held[: blank.end()]
                looked_at = 0
            if len(held) > EVENT_BYTES_MAX:
                raise UpstreamCutError
    except httpx2.HTTPError:
        raise UpstreamCutError from None
    # Some end without the last blank line.
    if held:
        yield bytes(held)


def _unreachable(error: httpx2.HTTPError) -> RefusedError:
    return RefusedError(
        Refusal(
            status=502,
            type="upstream_error",
            code="upstream_unreachable",
            message=f"The upstream gave no answer ({type(error).__name__}).",
        )
    )


def refusal_of(reply: Reply) -> Refusal:
    """Read an upstream's error; what is no error object becomes a 502's text."""
    try:
        error = orjson.loads(reply.body)["error"]
        known = {key: error[key] for key in ("message", "type", "code", "param")}
        extra = {key: value for key, value in error.items() if key not in known}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refusal(
            status=502,
            type="upstream_error",
            message=f"The upstream answered {reply.status} without an error object.",
        )
    seconds = _seconds(reply.retry_after)
    return Refusal(status=reply.status, retry_after_s=seconds, extra=extra, **known)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


async def waited(emulator: Emulator) -> None:
    """Take the time that the gateway itself needs."""
    await asyncio.sleep(emulator.profile.overhead_s * emulator.profile.time_scale)
