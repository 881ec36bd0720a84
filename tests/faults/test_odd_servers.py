"""Odd servers: whatever a socket says or does not, an outcome with its stage."""

from __future__ import annotations

import asyncio
import gc
import gzip
import random
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from bench.attempt import Billing, Cell, Outcome, Trial
from bench.client.images import ImageClient
from bench.client.understood import read
from bench.endpoint import Endpoint
from bench.transport.stamps import RequestStamps
from tests.certificates import make_certificate, server_side

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from bench.client.exchange import Exchange

DEADLINE_S = 0.6
GRACE_S = 0.5
PATIENCE_S = 120
MOST_BODY_BYTES = 4_000_000
TRIAL = Trial(
    trial_id="t",
    cell=Cell(
        endpoint="e",
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=(("quality", "low"),),
    ),
    prompt_id="p",
    prompt_text="A red kite",
    repeat=1,
    block=0,
    position=0,
)
GOOD = b'{"data": [{"b64_json": "aGk="}]}'
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(GOOD) + GOOD
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
PACKED = b"HTTP/1.1 %b\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
ZEROS = gzip.compress(bytes(40 * MOST_BODY_BYTES), 9)
SILENCE = "silence"
END = "end"

OK = (200, None, Outcome.OK, Billing.BILLED)
LOST = (None, "broken", Outcome.LOST, Billing.POSSIBLY_BILLED)
LOST_ERROR = (500, *LOST[1:])
CUT = (200, "broken", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE)
LATE = (None, "timeout", Outcome.TIMED_OUT, Billing.POSSIBLY_BILLED)
CUT_LATE = (200, "timeout", Outcome.UNUSABLE, Billing.BILLED_UNUSABLE)
UNUSABLE = (200, None, Outcome.UNUSABLE, Billing.BILLED_UNUSABLE)
NOT_SENT = (None, "connect_failed", Outcome.SERVER_ERROR, Billing.NOT_SENT)
NO_WAY_IN_TIME = (None, "timeout", Outcome.TIMED_OUT, Billing.NOT_SENT)


def _packed(status: bytes, content: bytes) -> bytes:
    return PACKED % (status, len(content)) + content


def _again(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


def _announced(*statuses: str) -> bytes:
    return b"".join(f"HTTP/1.1 {s} On\r\n\r\n".encode() for s in statuses)


# What a server says after a request: bytes, more and more of them, and how it ends.
SAYS: dict[str, tuple[list[Any], tuple[Any, ...]]] = {
    "plain": ([PLAIN], OK),
    "closes before it answers": ([END], LOST),
    "closes in the head": ([b"HTTP/1.1 200 OK\r\nx-a", END], LOST),
    "closes in the body": ([PLAIN[:-5], END], CUT),
    "stops in the body": ([PLAIN[:-5], SILENCE], CUT_LATE),
    "says nothing": ([SILENCE], LATE),
    "says too much": ([PLAIN + b"and more"], OK),
    "names two lengths": (
        [PLAIN.replace(b"\r\n\r", b"\r\ncontent-length: 7\r\n\r")],
        LOST,
    ),
    "names no number": ([PLAIN.replace(b"length: ", b"length: x")], LOST),
    "names a length below 0": ([PLAIN.replace(b"length: ", b"length: -")], LOST),
    "names a length too small": ([PLAIN.replace(b": 32", b": 30")], UNUSABLE),
    "names a bad chunk": ([CHUNKED + b"zz\r\nabc\r\n"], CUT),
    "closes in a chunk": ([CHUNKED + b"20\r\n" + GOOD[:9], END], CUT),
    "never ends a chunk's line": ([CHUNKED + b"5;", _again(b"a" * 9_999)], CUT),
    "one header of 1 MB": ([b"HTTP/1.1 200 OK\r\nx-a: " + b"a" * 1_000_000, END], LOST),
    "headers without end": (
        [b"HTTP/1.1 200 OK\r\n", _again(b"x-a: b\r\n" * 999)],
        LOST,
    ),
    "announces its answer": ([_announced("100", "102", "103") + PLAIN], OK),
    "announces it often": ([_announced(*["103"] * 500) + PLAIN], OK),
    "announces it without end": ([_again(_announced(*["102"] * 99))], LOST),
    "changes the protocol": (
        [b"HTTP/1.1 101 On\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
        LOST,
    ),
    "speaks something else": ([b"220 mail.example ESMTP\r\n"], LOST),
    "HTML": ([PLAIN.replace(GOOD, b"<html>".ljust(len(GOOD)))], UNUSABLE),
    "packed": ([_packed(b"200 OK", gzip.compress(GOOD))], OK),
    "packed, and names a place": (
        [_packed("200 OK\r\nx-city: Zürich".encode(), gzip.compress(GOOD))],
        OK,
    ),
    "packed badly": ([_packed(b"200 OK", b"no gzip at all")], CUT),
    "a bomb": ([_packed(b"200 OK", ZEROS)], CUT),
    "a bomb as an error": ([_packed(b"500 Oh", ZEROS * 3)], LOST_ERROR),
    "a body without end": ([b"HTTP/1.1 200 OK\r\n\r\n", _again(bytes(99_999))], CUT),
    "an error without end": (
        [b"HTTP/1.1 500 Oh\r\n\r\n", _again(bytes(99_999))],
        LOST_ERROR,
    ),
    "a length without end": (
        [
            b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n",
            _again(bytes(99_999)),
        ],
        CUT,
    ),
    "closes afterwards": ([PLAIN, END], OK),
    "speaks afterwards": ([PLAIN, 0.005, b"HTTP/1.1 408 Late\r\n\r\n"], OK),
}


class OddServer:
    """Says what the request's path asks for."""

    def __init__(
        self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self._host = host
        self._tls = tls
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._host, 0, ssl=self._tls
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)
        try:
            with suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await self._talk(reader, writer)
        finally:
            writer.transport.abort()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            names = list(SAYS)
            number = head.split(b" ")[1].split(b"/")[1]
            for said in SAYS[names[int(number)]][0]:
                if said is END:
                    writer.write_eof()
                    await reader.read()
                    return
                if said is SILENCE:
                    await reader.read()
                    return
                if isinstance(said, float):
                    await asyncio.sleep(said)
                    continue
                for part in [said] if isinstance(said, bytes) else said:
                    writer.write(part)
                    await writer.drain()


def _endpoint(base_url: str) -> Endpoint:
    written = {"name": "e", "base_url": base_url, "api_key_env": "K"}
    known = {"route": "direct", "prices": "openai", "timeout_s": DEADLINE_S}
    return Endpoint.model_validate({**written, **known})


def _url(server: OddServer, name: str) -> str:
    return f"http://127.0.0.1:{server.port}/{list(SAYS).index(name)}/v1"


async def _ask(client: ImageClient) -> tuple[Exchange, float]:
    stamps = RequestStamps(started_ns=time.monotonic_ns())
    answer = await client.ask(TRIAL, "t.1", stamps)
    return answer, (time.monotonic_ns() - stamps.started_ns) / 1e9


def _told(answer: Exchange) -> tuple[Any, ...]:
    reading = read(answer)
    return answer.status, answer.failure, reading.outcome, reading.billing


async def _loop_lag(lags_s: list[float]) -> None:
    """How long this busy machine lets its loop wait; a deadline can't be better."""
    while True:
        due_at = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        lags_s.append(time.monotonic() - due_at)


def _asked(base_url: Callable[[OddServer], str], **options: Any) -> Exchange:
    """Ask once; it ends within the deadline and half a second."""

    async def go() -> Exchange:
        lags_s: list[float] = [0.0]
        probe = asyncio.create_task(_loop_lag(lags_s))
        async with OddServer(**options) as server:
            client = ImageClient(_endpoint(base_url(server)), "sk-x")
            answer, took_s = await _ask(client)
            await client.close()
        probe.cancel()
        assert took_s < DEADLINE_S + GRACE_S + 2 * max(lags_s)
        return answer

    return asyncio.run(asyncio.wait_for(go(), PATIENCE_S))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.client.images.MOST_BODY_BYTES", MOST_BODY_BYTES)


@pytest.mark.parametrize("name", SAYS)
def test_whatever_a_server_says_the_outcome_names_its_stage(name: str) -> None:
    answer = _asked(lambda server: _url(server, name))
    assert _told(answer) == SAYS[name][1], answer.message


def _n_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
def test_two_thousand_odd_exchanges_leave_nothing_open() -> None:
    names = list(SAYS) * 65
    random.Random(5).shuffle(names)
    assert len(names) > 2_000

    async def go() -> tuple[int, int]:
        n_tasks = len(asyncio.all_tasks())
        async with OddServer() as server:
            clients = {n: ImageClient(_endpoint(_url(server, n)), "sk-x") for n in SAYS}
            left = iter(names)

            async def work() -> None:
                for name in left:
                    answer, _ = await _ask(clients[name])
                    wanted = SAYS[name][1]
                    # On a busy machine the deadline may come before the rest.
                    is_late = answer.failure == "timeout"
                    assert is_late or _told(answer) == wanted, (name, answer.message)

            await asyncio.gather(*(work() for _ in range(32)))
            for client in clients.values():
                await client.close()
        await asyncio.sleep(0.1)
        return n_tasks, len(asyncio.all_tasks())

    gc.collect()
    before = _n_open(), threading.active_count()
    n_tasks_before, n_tasks = asyncio.run(asyncio.wait_for(go(), 10 * PATIENCE_S))
    assert n_tasks == n_tasks_before
    assert (_n_open(), threading.active_count()) == before


@pytest.mark.parametrize(
    ("names", "until", "is_trusted", "said"),
    [
        ("IP:127.0.0.1", "20210101000000Z", True, "expired"),
        ("DNS:elsewhere.example", "20991231000000Z", True, "mismatch"),
        ("IP:127.0.0.1", "20991231000000Z", False, "self"),
    ],
    ids=["expired", "another host's", "nobody vouches for it"],
)
def test_a_certificate_that_does_not_hold_stops_the_request_before_it_leaves(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: str,
    until: str,
    said: str,
    *,
    is_trusted: bool,
) -> None:
    certificate = make_certificate(tmp_path, names, until)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    answer = _asked(
        lambda server: f"https://127.0.0.1:{server.port}/0/v1",
        tls=server_side(certificate),
    )
    assert _told(answer) == NOT_SENT
    assert "certificate verify failed" in str(answer.message)
    assert said in str(answer.message)
    assert answer.stamps.connected_ns is None


def test_a_server_that_has_only_a_new_address_is_found() -> None:
    answer = _asked(lambda server: f"http://[::1]:{server.port}/0/v1", host="::1")
    assert _told(answer) == OK


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
def test_of_several_addresses_the_one_that_answers_is_taken(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    look_up = socket.getaddrinfo

    def many(name: str, port: int, **named: Any) -> Any:
        if name != "many.example" or named.get("flags"):
            return look_up(name, port, **named)
        # Nobody is at the first: it refuses, or says nothing at all.
        addresses = ("192.0.2.1", "127.0.0.1", "127.0.0.2", "::1")
        return [look_up(a, port, type=socket.SOCK_STREAM)[0] for a in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    before = _n_open()
    answer = _asked(lambda s: f"http://many.example:{s.port}/0/v1", host=host)
    assert _told(answer) == OK
    assert _n_open() == before


def test_a_name_that_hangs_holds_up_nobody_else_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_looked_up, asked = 0, threading.Event()
    look_up = socket.getaddrinfo

    def hang(host: str, *rest: Any, **named: Any) -> Any:
        nonlocal n_looked_up
        if host == "hangs.example" and not named.get("flags"):
            n_looked_up += 1
            asked.wait(PATIENCE_S)
            raise socket.gaierror("it was never found")
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def go() -> list[Exchange]:
        hanging = ImageClient(_endpoint("http://hangs.example/v1"), "sk-x")
        async with OddServer() as server:
            there = f"http://localhost:{server.port}/0/v1"
            other = ImageClient(_endpoint(there), "sk-x")
            asking = [_ask(hanging) for _ in range(40)]
            answers = await asyncio.gather(*asking, _ask(other))
            await other.close()
        await hanging.close()
        return [answer for answer, _ in answers]

    began_at = time.monotonic()
    *late, found = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert time.monotonic() - began_at < PATIENCE_S / 2
    asked.set()
    assert {_told(answer) for answer in late} == {NO_WAY_IN_TIME}
    assert _told(found) == OK
    assert n_looked_up == 1
