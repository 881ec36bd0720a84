"""Streams: events pass as they come, and TLS talks to itself in between."""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from bench.transport.client import http_client
from bench.transport.pool import StampedTransport
from bench.transport.stamps import RequestStamps, instants_of, stamp_into
from tests.certificates import server_side

PATIENCE_S = 20
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def _event(name: str, **members: Any) -> bytes:
    said = json.dumps({"type": name, "b64_json": "aGk=", **members})
    return f"event: {name}\ndata: {said}\n\n".encode()


PARTIAL = _event("image_generation.partial_image", partial_image_index=0)
COMPLETED = _event("image_generation.completed", usage=None)


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n" % len(content) + content + b"\r\n"


async def _served(talk: Talk, ask: Callable[[str], Awaitable[Any]]) -> Any:
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        return await ask(f"http://127.0.0.1:{port}/v1")
    finally:
        server.close()
        await asyncio.gather(*talks)


@pytest.mark.parametrize("is_chunked", [True, False], ids=["chunks", "closing"])
def test_the_library_sees_each_event_when_it_comes(*, is_chunked: bool) -> None:
    framed: Callable[[bytes], bytes] = _chunk if is_chunked else bytes
    stamps = RequestStamps(started_ns=0)
    was_seen = asyncio.Event()
    told_ns: list[int] = []

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        coding = b"transfer-encoding: chunked\r\n" if is_chunked else b""
        writer.write(HEAD + coding + b"\r\n" + framed(b": wait\n\n"))
        for part in (PARTIAL[:30], PARTIAL[30:-1], PARTIAL[-1:]):
            await asyncio.sleep(0.05)
            told_ns.append(time.monotonic_ns())
            writer.write(framed(part))
        # Held back, an event would never let the next one come.
        await was_seen.wait()
        told_ns.append(time.monotonic_ns())
        writer.write(framed(COMPLETED) + framed(b"data: [DONE]\n\n"))
        writer.write(b"0\r\n\r\n" if is_chunked else b"")

    async def ask(url: str) -> list[str]:
        client = openai.AsyncOpenAI(
            api_key="sk-x", base_url=url, http_client=http_client(), max_retries=0
        )
        stamp_into(stamps)
        seen: list[str] = []
        async with client:
            events = await client.images.generate(
                prompt="x", model="gpt-image-2", stream=True, partial_images=1
            )
            async for event in events:
                seen.append(event.type)
                was_seen.set()
        return seen

    work = asyncio.wait_for(_served(talk, ask), PATIENCE_S)
    names = ["image_generation.partial_image", "image_generation.completed"]
    assert asyncio.run(work) == names
    _check_arrivals(stamps, told_ns)


def _check_arrivals(stamps: RequestStamps, told_ns: list[int]) -> None:
    assert stamps.first_byte_ns is not None
    assert stamps.last_byte_ns is not None
    before = b": wait\n\n" + PARTIAL
    whole = before + COMPLETED + b"data: [DONE]\n\n"
    partial_ns, last_ns = instants_of(stamps.arrived, [len(before), len(whole)])
    assert stamps.first_byte_ns < told_ns[2] <= partial_ns < told_ns[3]
    assert told_ns[3] < last_ns <= stamps.last_byte_ns
    # A byte less was there before: the framing moves nothing.
    (early_ns,) = instants_of(stamps.arrived, [len(before) - 1])
    assert told_ns[1] <= early_ns < told_ns[2]


class OwnServer:
    """openssl's server, at whose terminal somebody types; it prints what comes."""

    def __init__(self, certificate: tuple[Path, Path], said: Path) -> None:
        with socket.socket() as any_socket:
            any_socket.bind(("127.0.0.1", 0))
            self.port: int = any_socket.getsockname()[1]
        key, chain = certificate
        files = ("-key", str(key), "-cert", str(chain))
        self._said = said
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                ("openssl", "s_server", "-accept", str(self.port), *files, "-tls1_3"),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def type_in(self, content: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(content)
        self.process.stdin.flush()

    async def until(self, said: bytes, n_times: int) -> None:
        while self._said.read_bytes().count(said) < n_times:  # noqa: ASYNC110  a file tells nobody
            await asyncio.sleep(0.01)


async def _ask_thrice(server: OwnServer) -> list[RequestStamps]:
    stamped = [RequestStamps(started_ns=0) for _ in range(3)]
    await server.until(b"ACCEPT", 1)
    async with httpx2.AsyncClient(transport=StampedTransport()) as client:
        for n_asked, stamps in enumerate(stamped, start=1):
            stamp_into(stamps)
            url = f"https://127.0.0.1:{server.port}/"
            asked = asyncio.ensure_future(client.get(url))
            await server.until(b"User-Agent", n_asked)
            server.type_in(OK.replace(b"content", b"Content"))
            assert (await asked).content == b"ok"
            # It asks for new keys.
            server.type_in(b"K\n")
            await asyncio.sleep(0.3)
    return stamped


def test_a_connection_stays_when_tls_renews_its_keys_on_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    server = OwnServer(certificate, tmp_path / "said")
    try:
        stamped = asyncio.run(asyncio.wait_for(_ask_thrice(server), PATIENCE_S))
    finally:
        server.process.kill()
        server.process.communicate()
    assert [s.connect_started_ns is None for s in stamped] == [False, True, True]


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 408 Late\r\n\r\n"])
def test_a_server_that_ends_or_speaks_on_an_idle_tls_connection_costs_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(0.1)
        writer.write(words)
        if not words:
            writer.close()
        await reader.read()
        writer.close()

    async def go() -> list[RequestStamps]:
        listening = await asyncio.start_server(
            serve, "127.0.0.1", 0, ssl=server_side(certificate)
        )
        url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        stamped = [RequestStamps(started_ns=0) for _ in range(2)]
        async with httpx2.AsyncClient(transport=StampedTransport()) as client:
            for stamps in stamped:
                stamp_into(stamps)
                assert (await client.get(url)).content == b"ok"
                await asyncio.sleep(0.3)
        listening.close()
        return stamped

    stamped = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert all(stamps.connect_started_ns is not None for stamps in stamped)


def test_a_tls_body_that_ends_with_the_connection_is_whole(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    body = b"x" * 3_000_000

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async def go() -> bytes:
        listening = await asyncio.start_server(
            serve, "127.0.0.1", 0, ssl=server_side(certificate)
        )
        url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        async with httpx2.AsyncClient(transport=StampedTransport()) as client:
            content = (await client.get(url)).content
        listening.close()
        return content

    assert asyncio.run(asyncio.wait_for(go(), PATIENCE_S)) == body
