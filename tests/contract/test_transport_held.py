"""Held bytes: what nobody reads waits outside, and never in anybody's way."""

import asyncio
import contextlib
import socket
import struct
from typing import Any

import httpx2
import pytest

from bench.transport.pool import StampedTransport
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
        head = await reader.readuntil(b"\r\n\r\n")
        is_measured = head.startswith(b"GET /measured")
        length = b"content-length: %d\r\n" % len(BODY) if is_measured else b""
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for at in range(0, len(BODY), 50_000):
            writer.write(BODY[at : at + 50_000])
            await writer.drain()
    writer.close()


async def _asked(transport: StampedTransport, url: str) -> tuple[Any, RequestStamps]:
    stamps = RequestStamps(started_ns=0)
    stamp_into(stamps)
    request = httpx2.Request("GET", url)
    return await transport.handle_async_request(request), stamps


async def _read(response: Any) -> bytes:
    parts = [part async for part in response.stream]
    await response.aclose()
    return b"".join(parts)


async def _holds(unread: Unread, n_bytes: int) -> None:
    while unread.n_bytes < n_bytes:  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(0.01)


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


@pytest.mark.parametrize("form", ["", "measured"])
def test_who_waits_for_an_answer_gets_it_though_others_hold_all_that_may_be_held(
    form: str,
) -> None:
    async def go() -> bytes:
        server = await asyncio.start_server(_serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = StampedTransport()
        transport._unread = unread = Unread(MOST_BYTES)
        for _ in range(N_ANSWERS):
            await _asked(transport, url)
        await asyncio.sleep(0.3)
        assert unread.is_full
        response, _ = await _asked(transport, url + form)
        body = await _read(response)
        assert unread.is_full
        await transport.aclose()
        assert unread.n_bytes == 0
        server.close()
        return body

    assert asyncio.run(asyncio.wait_for(go(), PATIENCE_S)) == BODY


def test_what_is_packed_comes_in_pieces_that_can_not_grow_beyond_the_memory() -> None:
    packed = bytes(1_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        )
        writer.write(head % len(packed) + packed)
        await reader.read()
        writer.close()

    async def go() -> list[int]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with (
            httpx2.AsyncClient(transport=StampedTransport()) as client,
            client.stream("GET", url) as response,
        ):
            sizes = [len(part) async for part in response.aiter_raw()]
        server.close()
        return sizes

    sizes = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert sum(sizes) == len(packed)
    assert max(sizes) <= 16_384


def test_one_that_breaks_off_while_nobody_reads_it_takes_no_other_along() -> None:
    """All of it was read, then it waited for room; others make that room."""
    body = bytes(LITTLE_BYTES + 1)
    reset = struct.pack("ii", 1, 0)
    breaks_off = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()
        await breaks_off.wait()
        if head.startswith(b"GET /broken"):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.close()

    async def go() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = StampedTransport()
        transport._unread = unread = Unread(LITTLE_BYTES * 3 // 2)
        whole, _ = await _asked(transport, url)
        await _holds(unread, len(body))
        broken, _ = await _asked(transport, url + "broken")
        await _holds(unread, 2 * len(body))
        breaks_off.set()
        await asyncio.sleep(0.1)
        content = await _read(whole)
        with pytest.raises(httpx2.ReadError, match="reset"):
            await _read(broken)
        await transport.aclose()
        server.close()
        return content

    assert asyncio.run(asyncio.wait_for(go(), PATIENCE_S)) == body
