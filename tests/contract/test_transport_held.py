"""Held bytes: what nobody reads waits outside, and never in anybody's way."""

import asyncio
import contextlib
from typing import Any

import httpx2
import pytest

from bench.transport.pool import BODY_PARTS, StampedTransport
from bench.transport.stamps import RequestStamps, stamp_into
from bench.transport.unread import LITTLE_BYTES, Unread

PATIENCE_S = 60
BODY = bytes(range(250)) * 30_000
MOST_BYTES = 2_000_000
N_ANSWERS = 4
# The least that a turn can add before it is seen that it is too much.
TURN_BYTES = 262_144


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            for at in range(0, len(BODY), 50_000):
                writer.write(BODY[at : at + 50_000])
                await writer.drain()
            break
    writer.close()


async def _asked(transport: StampedTransport, url: str) -> tuple[Any, RequestStamps]:
    stamps = RequestStamps(started_ns=0)
    stamp_into(stamps)
    request = httpx2.Request("GET", url)
    return await transport.handle_async_request(request), stamps


async def _read(response: Any) -> bytes:
    parts = [part async for part in response.extensions[BODY_PARTS]()]
    await response.aclose()
    return b"".join(parts)


async def _held(*, most_bytes: int) -> tuple[int, list[bytes], list[RequestStamps]]:
    """Several answers that wait for a reader; then each is read, the last first."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    transport = StampedTransport()
    transport._unread = unread = Unread(most_bytes)
    asked = [await _asked(transport, url) for _ in range(N_ANSWERS)]
    await asyncio.sleep(0.3)
    n_held_bytes = unread.n_bytes
    bodies = [await _read(response) for response, _ in reversed(asked)]
    assert unread.n_bytes == 0
    await transport.aclose()
    server.close()
    return n_held_bytes, bodies, [stamps for _, stamps in asked]


def test_answers_that_nobody_reads_hold_a_little_each_over_all_that_may_be_held() -> (
    None
):
    work = asyncio.wait_for(_held(most_bytes=MOST_BYTES), PATIENCE_S)
    n_held_bytes, bodies, stamped = asyncio.run(work)
    each_bytes = LITTLE_BYTES + TURN_BYTES
    assert n_held_bytes <= MOST_BYTES + N_ANSWERS * each_bytes
    assert bodies == [BODY] * N_ANSWERS
    assert all(stamps.is_held for stamps in stamped)


def test_answers_that_fit_are_held_whole_and_nobody_had_to_wait() -> None:
    most_bytes = N_ANSWERS * len(BODY)
    work = asyncio.wait_for(_held(most_bytes=most_bytes), PATIENCE_S)
    n_held_bytes, bodies, _ = asyncio.run(work)
    assert n_held_bytes == most_bytes
    assert bodies == [BODY] * N_ANSWERS


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_parts_are_offered_past_the_library_only_where_nothing_is_packed(
    coding: str,
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 0"
        writer.write(head.encode() + b"\r\n\r\n")
        await reader.read()
        writer.close()

    async def go() -> bool:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = StampedTransport()
        response, _ = await _asked(transport, url)
        await transport.aclose()
        server.close()
        return BODY_PARTS in response.extensions

    assert asyncio.run(asyncio.wait_for(go(), PATIENCE_S)) is (coding == "identity")
