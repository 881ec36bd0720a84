"""Proxies of the environment: led around, marked, and an outcome when they fail."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from bench.attempt import Billing, Cell, Outcome, Trial
from bench.client.images import ImageClient
from bench.client.understood import read
from bench.endpoint import Endpoint
from bench.transport.stamps import RequestStamps
from tests.certificates import make_certificate, server_side

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bench.client.exchange import Exchange

    Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PATIENCE_S = 60
HOST = "api.pixelmeter.test"
GOOD = b'{"data": [{"b64_json": "aGk="}]}'
OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(GOOD) + GOOD
TRIAL = Trial(
    trial_id="t",
    cell=Cell(
        endpoint="e", api="images", operation="generate", model="m", parameters=()
    ),
    prompt_id="p",
    prompt_text="A red kite",
    repeat=1,
    block=0,
    position=0,
)
NOT_SENT = (Outcome.SERVER_ERROR, Billing.NOT_SENT)


@asynccontextmanager
async def _serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*talks)


def _answers(asked: list[bytes], answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head.split(b"\r\n")[0])
            if b"content-length:" in head.lower():
                length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
            writer.write(answer)
            await writer.drain()

    return talk


def _leads_to(port: int, asked: list[bytes]) -> Talk:
    """A proxy that leads to the server at a port, whatever it is asked for."""

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(
            pass_on(reader, back), pass_on(there, writer), return_exceptions=True
        )

    return talk


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()
    await reader.read()


async def _ask(base_url: str, timeout_s: float = PATIENCE_S) -> Exchange:
    written = {"name": "e", "base_url": base_url, "api_key_env": "K"}
    known = {"route": "direct", "prices": "openai", "timeout_s": timeout_s}
    client = ImageClient(Endpoint.model_validate({**written, **known}), "sk-x")
    try:
        return await client.ask(TRIAL, "t.1", RequestStamps(started_ns=0))
    finally:
        await client.close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, PATIENCE_S))


def test_a_request_goes_through_the_proxy_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def go() -> Exchange:
        async with _serving(_answers(asked, OK)) as port:
            monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{port}")
            return await _ask(f"http://{HOST}/v1")

    answer = _run(go())
    assert asked == [f"POST http://{HOST}/v1/images/generations HTTP/1.1".encode()]
    assert (answer.status, answer.body) == (200, GOOD)
    assert answer.flags == ("stamps_at_edge",)
    stamps = answer.stamps
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


def test_an_encrypted_request_is_tunnelled_and_its_server_verified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, f"DNS:{HOST}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    asked: list[bytes] = []
    led: list[bytes] = []

    async def go() -> list[Exchange]:
        tls = server_side(certificate)
        async with (
            _serving(_answers(asked, OK), tls) as port,
            _serving(_leads_to(port, led)) as proxy_port,
        ):
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy_port}")
            hosts = (HOST, "elsewhere.pixelmeter.test")
            return [await _ask(f"https://{host}/v1") for host in hosts]

    answer, refused = _run(go())
    assert (answer.status, answer.flags) == (200, ("stamps_at_edge",))
    assert led[0] == f"CONNECT {HOST}:443 HTTP/1.1".encode()
    assert asked == [b"POST /v1/images/generations HTTP/1.1"]
    reading = read(refused)
    assert (reading.outcome, reading.billing) == NOT_SENT
    assert "certificate" in str(refused.message)


@pytest.mark.parametrize(
    ("url", "exempt"),
    [
        ("http://127.0.0.1:{port}/v1", ""),
        ("http://localhost:{port}/v1", ""),
        ("http://localhost:{port}/v1", "elsewhere.example, .localhost"),
    ],
)
def test_what_is_ours_alone_or_exempt_goes_past_the_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str, exempt: str
) -> None:
    async def go() -> Exchange:
        async with _serving(_answers([], OK)) as port:
            monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
            monkeypatch.setenv("NO_PROXY", exempt)
            return await _ask(url.format(port=port))

    answer = _run(go())
    assert (answer.status, answer.flags) == (200, ())


def test_a_host_that_no_proxy_names_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "other.example,.invalid")
    answer = _run(_ask("http://host.invalid/v1"))
    # It was looked up here: no proxy was asked to.
    assert read(answer).billing is Billing.NOT_SENT
    assert answer.flags == ()


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://127.0.0.1:1", "ConnectError"),
        ("http://name:secret-canary@127.0.0.1:1", "ConnectError"),
        ("socks5://name:secret-canary@127.0.0.1:1", "can't be used"),
        ("ftp://name:secret-canary@127.0.0.1:1", "can't be used"),
        ("http://name:secret-canary@127.0.0.1:none", "can't be used"),
    ],
)
def test_a_proxy_that_can_not_be_used_sends_nothing_and_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch, proxy: str, said: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    answer = _run(_ask(f"http://{HOST}/v1"))
    reading = read(answer)
    assert (answer.failure, reading.outcome, reading.billing) == (
        "connect_failed",
        *NOT_SENT,
    )
    assert said in str(answer.message)
    assert "canary" not in str(answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Who Are You\r\ncontent-length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n", "502"),
        (b"220 mail.example\r\n\r\n", "RemoteProtocolError"),
    ],
)
def test_a_proxy_that_leads_nowhere_sent_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    async def go() -> Exchange:
        async with _serving(_answers([], answer)) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            return await _ask(f"https://{HOST}/v1")

    refused = _run(go())
    reading = read(refused)
    assert (reading.outcome, reading.billing) == NOT_SENT
    assert said in str(refused.message)
    assert refused.flags == ("stamps_at_edge",)


def test_a_proxy_that_says_nothing_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def go() -> Exchange:
        async with _serving(_silent) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            return await _ask(f"https://{HOST}/v1", timeout_s=0.3)

    reading = read(_run(go()))
    assert (reading.outcome, reading.billing) == (
        Outcome.TIMED_OUT,
        Billing.NOT_SENT,
    )
