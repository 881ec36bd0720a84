"""Transport's clock: the kernel knows when bytes came, however late we read."""

import asyncio
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from bench.transport import arrivals, kernel
from bench.transport.channel import Channel
from bench.transport.incoming import Incoming
from bench.transport.pool import StampedTransport
from bench.transport.stamps import RequestStamps, stamp_into
from tests.certificates import server_side
from tests.machine import lacking

PATIENCE_S = 30
APART_S = 0.3
BUSY_S = 0.9
BODY = b"x" * 1_500_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
FORMS = {
    "length": (HEAD + BODY[:-10], BODY[-10:]),
    "chunks": (CHUNKED + b"5\r\nabcde\r\n", b"2\r\nfg\r\n0\r\n\r\n"),
    "closing": (b"HTTP/1.1 200 OK\r\n\r\nabc", b"def"),
}


@pytest.fixture(autouse=True)
def _linux() -> None:
    if sys.platform != "linux":
        lacking("Linux, which alone stamps what arrives")


@pytest.fixture(autouse=True, scope="module")
def _stamping() -> Iterator[None]:
    """Linux begins to stamp some time after the first socket asked for it.

    It goes on as long as one is open that did.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as sock,
        listening.accept()[0] as there,
    ):
        kernel.tell_arrivals(sock)
        until_s = time.monotonic() + PATIENCE_S
        while sys.platform == "linux" and time.monotonic() < until_s:
            there.sendall(b"?")
            if sock.recvmsg(1, kernel.ANCILLARY_BYTES)[1]:
                break
            time.sleep(0.01)
        yield


class Server:
    """Answers in two parts, by a thread that no busy loop holds up."""

    def __init__(self, parts: tuple[bytes, bytes], tls: ssl.SSLContext | None) -> None:
        self._parts = parts
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.asked = threading.Event()
        self.wrote_ns: list[tuple[int, int]] = []

    def serve(self) -> None:
        connected: socket.socket = self._listening.accept()[0]
        with self._listening, connected:
            if self._tls is not None:
                connected = self._tls.wrap_socket(connected, server_side=True)
            with connected:
                connected.recv(65_536)
                self.asked.set()
                for part in self._parts:
                    time.sleep(APART_S)
                    before_ns = time.monotonic_ns()
                    connected.sendall(part)
                    self.wrote_ns.append((before_ns, time.monotonic_ns()))


@contextmanager
def _serving(
    parts: tuple[bytes, bytes], tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    server = Server(parts, tls)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        thread.join(PATIENCE_S)


async def _ask_busily(server: Server, scheme: str, busy_s: float) -> RequestStamps:
    """Ask, and keep the loop from reading until long after the answer came."""
    stamps = RequestStamps(started_ns=0)
    stamp_into(stamps)
    url = f"{scheme}://127.0.0.1:{server.port}/"
    async with httpx2.AsyncClient(transport=StampedTransport(), timeout=None) as client:
        asked = asyncio.ensure_future(client.get(url))
        while not server.asked.is_set():  # noqa: ASYNC110  a thread sets it
            await asyncio.sleep(0.001)
        time.sleep(busy_s)  # noqa: ASYNC251  the loop is to be held up
        assert (await asked).status_code == 200
    return stamps


def _stamped(
    parts: tuple[bytes, bytes],
    tls: ssl.SSLContext | None = None,
    busy_s: float = BUSY_S,
) -> tuple[RequestStamps, Server]:
    with _serving(parts, tls) as server:
        scheme = "https" if tls else "http"
        work = asyncio.wait_for(_ask_busily(server, scheme, busy_s), PATIENCE_S)
        return asyncio.run(work), server


@pytest.fixture
def tls(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    return server_side(certificate)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "TLS"])
def test_a_busy_client_is_told_when_the_last_byte_came(
    form: str, request: pytest.FixtureRequest, *, is_encrypted: bool
) -> None:
    tls = request.getfixturevalue("tls") if is_encrypted else None
    stamps, server = _stamped(FORMS[form], tls)
    assert stamps.kernel_last_byte_ns is not None
    assert stamps.last_byte_ns is not None
    _, (before_ns, after_ns) = server.wrote_ns
    # The truth lies between both instants, but for what two clocks differ.
    slack_ns = 5_000_000
    assert before_ns <= stamps.kernel_last_byte_ns <= after_ns + slack_ns
    lag_ns = stamps.last_byte_ns - stamps.kernel_last_byte_ns
    assert lag_ns > (BUSY_S - 2 * APART_S) * 1e9 / 2
    assert not stamps.is_held


def test_who_reads_so_late_that_the_server_had_to_wait_is_marked() -> None:
    body = b"x" * 7_500_000
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    stamps, _ = _stamped((head + body, b""))
    assert stamps.is_held
    assert stamps.flags == ("read_held",)
    stamps, _ = _stamped(FORMS["length"], busy_s=0)
    assert not stamps.is_held
    assert stamps.flags == ()


def test_a_step_of_the_wall_clock_makes_no_stamp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall_ns, first, is_set_on = time.time_ns, arrivals.wall_ahead_ns, False

    def before() -> int:
        # It reads the clock more than once where something came between.
        nonlocal is_set_on
        ahead_ns = first()
        is_set_on = True
        return ahead_ns

    def shown() -> int:
        return wall_ns() + is_set_on * 50_000_000

    monkeypatch.setattr(arrivals, "wall_ahead_ns", before)
    monkeypatch.setattr(kernel.time, "time_ns", shown)
    stamps, _ = _stamped(FORMS["length"], busy_s=0)
    assert is_set_on
    assert stamps.first_byte_ns is not None
    assert stamps.kernel_first_byte_ns is None
    assert stamps.kernel_last_byte_ns is None


@pytest.mark.parametrize("off_ns", [-10_000_000, 10_000_000])
def test_a_stamp_that_can_not_be_is_dropped(off_ns: int) -> None:
    ahead_ns = kernel.wall_ahead_ns()
    since_ns = time.monotonic_ns()
    until_ns = since_ns + 5_000_000

    def told(at_ns: int) -> int | None:
        seconds, rest = divmod(at_ns + ahead_ns, 1_000_000_000)
        stamp = struct.pack("@6l", seconds, rest, 0, 0, 0, 0)
        ancillary = [(socket.SOL_SOCKET, 37, stamp)]
        return kernel.arrived_ns(ancillary, ahead_ns, since_ns, until_ns)

    middle_ns = (since_ns + until_ns) // 2
    at_ns = told(middle_ns)
    assert at_ns is not None
    assert abs(at_ns - middle_ns) < 100_000
    assert told(middle_ns + off_ns) is None
    assert kernel.arrived_ns([], ahead_ns, since_ns, until_ns) is None


@pytest.mark.parametrize(
    ("counted", "is_trusted"),
    [([0, 0, 0], True), ([0, 0, 1], False), ([0, 1, 1], False), ([7, 7, 7], True)],
)
def test_bytes_that_waited_for_others_before_them_have_no_stamp(
    monkeypatch: pytest.MonkeyPatch, counted: list[int], *, is_trusted: bool
) -> None:
    """Behind a gap the kernel stamps what came, not when the gap was filled.

    The counts are those at the start and at two turns; what is read in the second
    came before the first, as if it had lain behind a gap then.
    """
    monkeypatch.setattr(arrivals, "n_out_of_order", lambda _: next(counts))
    counts = iter(counted)
    stamps = RequestStamps(started_ns=0, write_started_ns=time.monotonic_ns())
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as sock,
        listening.accept()[0] as there,
    ):
        kernel.tell_arrivals(sock)
        assert kernel.n_out_of_order(sock) == 0
        channel, incoming = Channel(sock), Incoming(is_head_only=False)
        arriving = arrivals.Arrivals(channel, stamps)
        there.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        time.sleep(0.01)
        arriving.turn()
        arriving.turn()
        buffer = memoryview(bytearray(1_000))
        n_bytes = channel.read_into(buffer)
        incoming.feed(buffer[:n_bytes])
        arriving.came(incoming, n_bytes, time.monotonic_ns(), has_begun=True)
    assert incoming.is_whole
    assert (stamps.kernel_first_byte_ns is not None) is is_trusted
    assert (stamps.kernel_last_byte_ns is not None) is is_trusted
