"""Transport: what our bytes do on real sockets, kept, cut, late and encrypted."""

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bench.transport import pool
from bench.transport.connection import Connection
from bench.transport.incoming import Incoming
from bench.transport.pool import StampedTransport
from bench.transport.stamps import RequestStamps, stamp_into
from tests.certificates import server_side

PATIENCE_S = 30
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MUCH = bytes(range(256)) * 80_000

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Ask = Callable[[httpx2.AsyncClient, str], Awaitable[Any]]


class Server:
    """Talks by a script; counts its connections and those that came to an end."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.n_connections = 0
        self.n_ended = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.n_connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()
        self.n_ended += 1


@asynccontextmanager
async def _serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Any]:
    server = Server(talk)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    scheme = "https" if tls else "http"
    try:
        yield server, f"{scheme}://127.0.0.1:{port}/v1"
    finally:
        listening.close()
        await asyncio.gather(*server.tasks)


def _exchange(
    talk: Talk,
    ask: Ask,
    *,
    tls: ssl.SSLContext | None = None,
    **limits: float | None,
) -> tuple[Server, Any]:
    """Run a server and a client; returns what was asked for."""

    async def go() -> tuple[Server, Any]:
        async with _serving(talk, tls) as (server, url):
            timeout = httpx2.Timeout(None, **limits)
            async with httpx2.AsyncClient(
                transport=StampedTransport(), timeout=timeout, trust_env=False
            ) as client:
                result = await ask(client, url)
            return server, result

    return asyncio.run(asyncio.wait_for(go(), PATIENCE_S))


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def _says(answer: bytes) -> Talk:
    """Answer each request that has no body with the same bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _head(reader)
            writer.write(answer)
            await writer.drain()

    return talk


async def _three(client: httpx2.AsyncClient, url: str) -> list[httpx2.Response]:
    return [await client.get(url) for _ in range(3)]


def test_requests_one_after_the_other_share_a_connection() -> None:
    server, answers = _exchange(_says(OK), _three)
    assert [answer.content for answer in answers] == [b"ok"] * 3
    assert server.n_connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["said to close", "old version", "something after the answer"],
)
def test_a_connection_that_can_not_be_trusted_is_used_once(answer: bytes) -> None:
    server, answers = _exchange(_says(answer), _three)
    assert [answer.content for answer in answers] == [b"ok"] * 3
    assert server.n_connections == 3


def test_what_arrives_on_an_idle_connection_is_nobodys_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(OK.replace(b"ok", b"no"))
        await reader.read()

    async def ask(client: httpx2.AsyncClient, url: str) -> list[bytes]:
        first = await client.get(url)
        await asyncio.sleep(0.2)
        return [first.content, (await client.get(url)).content]

    server, contents = _exchange(talk, ask)
    assert contents == [b"ok", b"ok"]
    assert server.n_connections == 2


def test_a_connection_that_rested_too_long_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "KEEP_ALIVE_S", 0.0)
    server, _ = _exchange(_says(OK), _three)
    assert server.n_connections == 3


def test_a_body_that_nobody_reads_to_its_end_costs_its_connection() -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> None:
        async with client.stream("GET", url) as response:
            assert response.status_code == 200
        assert (await client.get(url)).content == MUCH

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(MUCH)
    server, _ = _exchange(_says(answer + MUCH), ask)
    assert server.n_connections == 2


def test_who_reads_slowly_holds_up_the_server_and_not_our_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most: list[int] = []
    count = Connection._count

    def watched(self: Connection, incoming: Incoming) -> None:
        count(self, incoming)
        most.append(incoming.n_unread_bytes)

    monkeypatch.setattr(Connection, "_count", watched)
    body = MUCH * 3

    async def ask(client: httpx2.AsyncClient, url: str) -> bytes:
        async with client.stream("GET", url) as response:
            await asyncio.sleep(0.5)
            return b"".join([part async for part in response.aiter_raw()])

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    _, content = _exchange(_says(answer + body), ask)
    assert content == body
    assert max(most) < 9_000_000


def _stores(stored: bytearray, n_bytes: int) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stored.extend(await _head(reader))
        stored.extend(await reader.readexactly(n_bytes))
        writer.write(OK)
        await reader.read()

    return talk


def test_a_large_body_leaves_whole_and_is_sent_when_the_kernel_has_it() -> None:
    stored = bytearray()
    stamps = RequestStamps(started_ns=0)

    async def ask(client: httpx2.AsyncClient, url: str) -> bytes:
        stamp_into(stamps)
        return (await client.post(url, content=MUCH)).content

    assert _exchange(_stores(stored, len(MUCH)), ask)[1] == b"ok"
    assert stored.endswith(MUCH)
    instants = [
        stamps.connect_started_ns,
        stamps.connected_ns,
        stamps.write_started_ns,
        stamps.sent_ns,
        stamps.first_byte_ns,
        stamps.last_byte_ns,
    ]
    assert None not in instants
    assert instants == sorted(instants, key=lambda at: at or 0)


def test_a_body_of_unknown_length_leaves_in_chunks() -> None:
    stored = bytearray()
    framed = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"abc", b"", b"de"):
            yield part

    async def ask(client: httpx2.AsyncClient, url: str) -> bytes:
        return (await client.post(url, content=parts())).content

    assert _exchange(_stores(stored, len(framed)), ask)[1] == b"ok"
    assert stored.endswith(framed)


def test_files_leave_as_a_form() -> None:
    form: dict[str, Any] = {"image": ("a.png", MUCH, "image/png")}
    request = httpx2.Request("POST", "http://x/", data={"prompt": "p"}, files=form)
    stored = bytearray()
    length = int(request.headers["content-length"])

    async def ask(client: httpx2.AsyncClient, url: str) -> bytes:
        return (await client.post(url, data={"prompt": "p"}, files=form)).content

    assert _exchange(_stores(stored, length), ask)[1] == b"ok"
    assert MUCH in stored


def test_a_refusal_that_comes_before_the_body_was_sent_is_read() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        # Nothing more is read, so that the rest of the body can't leave.
        await asyncio.sleep(1)

    async def ask(client: httpx2.AsyncClient, url: str) -> httpx2.Response:
        stamp_into(stamps)
        return await client.post(url, content=MUCH * 2)

    stamps = RequestStamps(started_ns=0)
    _, answer = _exchange(talk, ask)
    assert (answer.status_code, answer.content) == (413, b"no")
    assert stamps.write_started_ns is not None
    assert stamps.first_byte_ns is not None
    # What never left whole was not sent at any instant.
    assert stamps.sent_ns is None


def test_the_first_byte_is_that_of_the_answer_and_not_of_its_announcement() -> None:
    answered_ns: list[int] = []
    stamps = RequestStamps(started_ns=0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        for announced in (b"HTTP/1.1 100 Continue\r\n", b"\r\nHTTP/1.1 102 On\r\n\r\n"):
            writer.write(announced)
            await asyncio.sleep(0.1)
        answered_ns.append(time.monotonic_ns())
        writer.write(OK)
        await reader.read()

    async def ask(client: httpx2.AsyncClient, url: str) -> bytes:
        stamp_into(stamps)
        return (await client.get(url)).content

    assert _exchange(talk, ask)[1] == b"ok"
    assert stamps.first_byte_ns is not None
    assert stamps.first_byte_ns >= answered_ns[0]


async def _never(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.read(-1)


async def _takes_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
    await asyncio.sleep(1)


def test_a_server_that_says_nothing_runs_into_the_limit_of_reading() -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> None:
        with pytest.raises(httpx2.ReadTimeout, match=r"0\.2 s"):
            await client.get(url)

    server, _ = _exchange(_never, ask, read=0.2)
    assert server.n_ended == 1


def test_a_server_that_takes_nothing_runs_into_the_limit_of_writing() -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> None:
        with pytest.raises(httpx2.WriteTimeout, match=r"0\.2 s"):
            await client.post(url, content=MUCH * 2)

    _exchange(_takes_nothing, ask, write=0.2)


def test_who_gives_up_closes_the_connection() -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> None:
        asked = asyncio.ensure_future(client.get(url))
        await asyncio.sleep(0.2)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.wait_for(hung_up.wait(), PATIENCE_S)

    hung_up = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _never(reader, writer)
        hung_up.set()

    _exchange(talk, ask)


def test_a_client_that_closes_ends_what_is_under_way() -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> object:
        asked = asyncio.ensure_future(client.get(url))
        await asyncio.sleep(0.2)
        await client.aclose()
        return (await asyncio.gather(asked, return_exceptions=True))[0]

    _, failure = _exchange(_never, ask)
    assert isinstance(failure, httpx2.TransportError)


def test_a_client_that_closes_while_it_connects_sends_nothing(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    stamps = RequestStamps(started_ns=0)

    async def ask(_: httpx2.AsyncClient, url: str) -> object:
        transport = StampedTransport()
        stamp_into(stamps)
        request = httpx2.Request("GET", url)
        asked = asyncio.ensure_future(transport.handle_async_request(request))
        while stamps.connect_started_ns is None:  # noqa: ASYNC110  a stamp tells nobody
            await asyncio.sleep(0)
        await transport.aclose()
        return (await asyncio.gather(asked, return_exceptions=True))[0]

    _, failure = _exchange(_says(OK), ask, tls=server_side(certificate))
    assert isinstance(failure, httpx2.ConnectError)
    assert not stamps.may_have_left


def test_who_gives_up_at_any_instant_leaves_nothing_open() -> None:
    def n_sockets() -> int:
        return sum(
            isinstance(thing, socket.socket) and thing.fileno() >= 0
            for thing in gc.get_objects()
        )

    async def ask(client: httpx2.AsyncClient, url: str) -> tuple[int, int]:
        before = n_sockets()
        for n_turns in range(60):
            asked = asyncio.ensure_future(client.post(url, content=MUCH[:200_000]))
            for _ in range(n_turns // 2):
                await asyncio.sleep(0)
            asked.cancel()
            with suppress(asyncio.CancelledError):
                await asked
        await client.aclose()
        # The server's own close when it has seen that ours did.
        for _ in range(500):
            if n_sockets() == before:
                break
            await asyncio.sleep(0.01)
        return before, n_sockets()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        await reader.readexactly(200_000)
        writer.write(OK)
        await reader.read()

    gc.collect()
    gc.disable()
    try:
        _, (before, after) = _exchange(talk, ask)
    finally:
        gc.enable()
    assert after == before


def test_a_body_that_broke_off_is_not_kept_in_memory() -> None:
    content = b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + MUCH[:1_000_000]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(content)

    async def ask(client: httpx2.AsyncClient, url: str) -> int:
        for _ in range(3):
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get(url)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1), client.stream("GET", url):
                    await asyncio.sleep(1)
        held = [thing for thing in gc.get_objects() if isinstance(thing, Incoming)]
        return sum(incoming.n_unread_bytes for incoming in held)

    gc.disable()
    try:
        assert _exchange(talk, ask)[1] == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "header", [{"x-a": "b\r\nx-c: d"}, {"x-a": "b\0"}, {"x a": "b"}, {"": "b"}]
)
def test_a_header_that_would_become_two_is_not_sent(header: dict[str, str]) -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> None:
        stamps = RequestStamps(started_ns=0)
        stamp_into(stamps)
        with pytest.raises(httpx2.LocalProtocolError, match="header"):
            await client.get(url, headers=header)
        assert not stamps.may_have_left

    _exchange(_says(OK), ask)


@pytest.mark.parametrize("url", ["ftp://x/", "http://"])
def test_an_address_that_is_none_of_http_is_refused(url: str) -> None:
    async def go() -> None:
        transport = StampedTransport()
        with pytest.raises(httpx2.UnsupportedProtocol):
            await transport.handle_async_request(httpx2.Request("GET", url))

    asyncio.run(go())


def test_an_encrypted_answer_is_read_and_its_connection_kept(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(MUCH)
    server, answers = _exchange(
        _says(answer + MUCH), _three, tls=server_side(certificate)
    )
    assert [len(answer.content) for answer in answers] == [len(MUCH)] * 3
    assert all(answer.content == MUCH for answer in answers)
    assert server.n_connections == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: tuple[Path, Path],
) -> None:
    async def ask(client: httpx2.AsyncClient, url: str) -> RequestStamps:
        stamps = RequestStamps(started_ns=0)
        stamp_into(stamps)
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await client.get(url)
        return stamps

    _, stamps = _exchange(_says(OK), ask, tls=server_side(certificate))
    assert not stamps.may_have_left


def test_an_encrypted_request_is_sent_when_the_kernel_has_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    sizes = (10, 10, 10, 100_000, 100_000, len(MUCH), len(MUCH), 10)
    instants: list[tuple[int, int]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for n_bytes in sizes:
            await _head(reader)
            # What is large has no room in the kernel until it is read.
            await asyncio.sleep(0.1)
            read_ns = time.monotonic_ns() if n_bytes == len(MUCH) else 0
            assert await reader.readexactly(n_bytes) == MUCH[:n_bytes]
            instants.append((read_ns, time.monotonic_ns()))
            writer.write(OK)

    async def ask(client: httpx2.AsyncClient, url: str) -> list[RequestStamps]:
        stamped = [RequestStamps(started_ns=0) for _ in sizes]
        for stamps, n_bytes in zip(stamped, sizes, strict=True):
            stamp_into(stamps)
            assert (await client.post(url, content=MUCH[:n_bytes])).content == b"ok"
        return stamped

    server, stamped = _exchange(talk, ask, tls=server_side(certificate))
    assert server.n_connections == 1
    for stamps, (read_ns, answered_ns) in zip(stamped, instants, strict=True):
        assert stamps.sent_ns is not None
        assert stamps.first_byte_ns is not None
        assert read_ns <= stamps.sent_ns <= answered_ns < stamps.first_byte_ns
