"""Client: one POST an attempt, whatever the other side does; real sockets."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

import pytest

from bench.attempt import Billing, Cell, Outcome, Trial
from bench.client.exchange import Exchange
from bench.client.images import ImageClient
from bench.client.understood import read
from bench.endpoint import Endpoint
from bench.errors import NoCredentials
from bench.transport.stamps import RequestStamps

KEY = "sk-canary-7f3a9d51c2e84b06"
PATIENCE_S = 60
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

TRIAL = Trial(
    trial_id="t",
    cell=Cell(
        endpoint="e",
        api="images",
        operation="generate",
        model="gpt-image-2",
        parameters=(("quality", "low"), ("size", "1024x1024")),
    ),
    prompt_id="p",
    prompt_text="A red kite, 风筝",
    repeat=1,
    block=0,
    position=0,
)


class RawServer:
    """Answers by hand; keeps every request that came whole."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.requests: list[bytes] = []
        self.n_connections = 0
        self._talks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # The client has closed by now, so that every talk comes to its end.
        await asyncio.gather(*self._talks)
        self._server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.n_connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._talks.append(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.requests.append(await _request(reader))
                await self._talk(reader, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    lengths = [line for line in lines if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    return head + await reader.readexactly(length)


def _answers(
    status: str, body: bytes, *headers: str, length: int | None = None
) -> Talk:
    """Exchange with a status, headers and a body, and keep the connection."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = f"content-length: {len(body) if length is None else length}"
        head = "\r\n".join([f"HTTP/1.1 {status}", known, *headers, "", ""])
        writer.write(head.encode() + body)
        if length is not None:
            await writer.drain()
            writer.close()

    return talk


async def _resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    writer.transport.abort()


async def _hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def _drips(head: bytes) -> Talk:
    """Send a byte of the body now and then, without end."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    return talk


async def _talks_nonsense(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
    writer.close()


def _endpoint(url: str, **changes: Any) -> Endpoint:
    written = {
        "name": "e",
        "base_url": url,
        "api_key_env": "K",
        "route": "direct",
        "prices": "openai",
        "timeout_s": PATIENCE_S,
        **changes,
    }
    return Endpoint.model_validate(written)


async def _ask(
    endpoint: Endpoint, trial: Trial = TRIAL, n_times: int = 1, key: str = KEY
) -> list[Exchange]:
    client = ImageClient(endpoint, key)
    try:
        return [
            await client.ask(trial, f"t.{number}", RequestStamps(started_ns=number))
            for number in range(1, n_times + 1)
        ]
    finally:
        await client.close()


def _exchange(
    talk: Talk, trial: Trial = TRIAL, n_times: int = 1, **changes: Any
) -> tuple[RawServer, list[Exchange]]:
    async def go() -> tuple[RawServer, list[Exchange]]:
        async with RawServer(talk) as server:
            endpoint = _endpoint(f"http://127.0.0.1:{server.port}/v1", **changes)
            return server, await _ask(endpoint, trial, n_times)

    return asyncio.run(asyncio.wait_for(go(), PATIENCE_S))


def _sent(server: RawServer) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and JSON of the one request that came."""
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /v1/images/generations HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines)
    return {name.lower(): value for name, value in headers.items()}, json.loads(body)


GOOD = b'{"data": [{"b64_json": "aGk="}]}'
ELSEWHERE = "location: http://127.0.0.1:1/v1/images/generations"
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{"
LOST = (Outcome.LOST, Billing.POSSIBLY_BILLED)
LATE = (Outcome.TIMED_OUT, Billing.POSSIBLY_BILLED)
UNUSABLE = (Outcome.UNUSABLE, Billing.BILLED_UNUSABLE)
SERVER = (Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED)
CLIENT = (Outcome.CLIENT_ERROR, Billing.UNBILLED)
LIMIT = (Outcome.RATE_LIMITED, Billing.UNBILLED)
SHORT = {"timeout_s": 0.3}


@pytest.mark.parametrize(
    ("talk", "changes", "status", "ending"),
    [
        (_answers("200 OK", GOOD), {}, 200, (Outcome.OK, Billing.BILLED)),
        (_answers("200 OK", b"<html>"), {}, 200, UNUSABLE),
        (_answers("200 OK", b""), {}, 200, UNUSABLE),
        (_answers("200 OK", GOOD, length=9_999), {}, 200, UNUSABLE),
        (_answers("429 Too Many", b"{}", "retry-after: 0"), {}, 429, LIMIT),
        (_answers("429 Too Many", b"{}", "x-should-retry: true"), {}, 429, LIMIT),
        (_answers("500 Oops", b"{}", "x-should-retry: true"), {}, 500, SERVER),
        (_answers("503 Busy", b"<html>"), {}, 503, SERVER),
        (_answers("529 Busy", b""), {}, 529, SERVER),
        (_answers("408 Late", b""), {}, 408, LATE),
        (
            _answers("409 Clash", b""),
            {},
            409,
            (Outcome.CLIENT_ERROR, Billing.POSSIBLY_BILLED),
        ),
        (_answers("400 No", b'{"error": {"code": "x"}}'), {}, 400, CLIENT),
        (_answers("301 Moved", b"", ELSEWHERE), {}, 301, CLIENT),
        (_answers("302 Found", b"", ELSEWHERE), {}, 302, CLIENT),
        (_answers("307 Moved", b"", ELSEWHERE), {}, 307, CLIENT),
        (
            _answers("308 Moved", b"", "location: /v1/images/generations"),
            {},
            308,
            CLIENT,
        ),
        (_answers("500 Oops", b"{}", length=9_999), {}, 500, LOST),
        (_resets, {}, None, LOST),
        (_hangs_up, {}, None, LOST),
        (_talks_nonsense, {}, None, LOST),
        (_is_silent, SHORT, None, LATE),
        (_drips(CUT), SHORT, 200, UNUSABLE),
        (_drips(b"HTTP/1.1 200 OK\r\nx-drip: "), SHORT, None, LATE),
    ],
)
def test_whatever_the_other_side_does_there_is_one_post(
    talk: Talk,
    changes: dict[str, Any],
    status: int | None,
    ending: tuple[Outcome, Billing],
) -> None:
    server, (answer,) = _exchange(talk, **changes)
    assert len(server.requests) == 1
    assert answer.status == status
    reading = read(answer)
    assert (reading.outcome, reading.billing) == ending
    assert KEY not in str(answer)


def test_a_dripping_body_is_cut_off_by_the_total_deadline() -> None:
    server, (answer,) = _exchange(_drips(CUT), timeout_s=0.3)
    assert len(server.requests) == 1
    assert answer.failure == "timeout"
    assert answer.status == 200
    assert read(answer).error_code == "cut_body"


def test_an_answer_without_end_is_cut_and_counts_as_unusable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.client.images.MOST_BODY_BYTES", 1_000)
    server, (answer,) = _exchange(_answers("200 OK", b" " * 5_000))
    assert len(server.requests) == 1
    assert answer.body is None
    said = "RemoteProtocolError: the answer is longer than 1,000 bytes"
    assert answer.message == said
    reading = read(answer)
    assert (reading.outcome, reading.billing) == (
        Outcome.UNUSABLE,
        Billing.BILLED_UNUSABLE,
    )


def test_a_deadline_names_itself() -> None:
    _, (answer,) = _exchange(_is_silent, timeout_s=0.3)
    assert answer.failure == "timeout"
    assert answer.message == "no whole answer within 0.3 s"
    assert answer.stamps.sent_ns is not None
    assert answer.stamps.first_byte_ns is None


def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        (answer,) = asyncio.run(_ask(_endpoint(url)))
    assert answer.failure == "connect_failed"
    assert not answer.stamps.may_have_left
    assert read(answer).billing is Billing.NOT_SENT


def test_an_unknown_host_was_not_sent() -> None:
    (answer,) = asyncio.run(_ask(_endpoint("http://host.invalid/v1")))
    assert answer.failure == "connect_failed"
    assert read(answer).billing is Billing.NOT_SENT


def test_a_failed_tls_handshake_was_not_sent() -> None:
    async def hang_up(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await _close(writer)

    async def go() -> Exchange:
        plain = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = plain.sockets[0].getsockname()[1]
        (answer,) = await _ask(_endpoint(f"https://127.0.0.1:{port}/v1"))
        plain.close()
        return answer

    answer = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert answer.failure == "connect_failed"
    assert read(answer).billing is Billing.NOT_SENT


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f"{KEY}\r", f" {KEY}", f"{KEY}é", f"{KEY}\x00", f"{KEY}\t"]
)
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(
    key: str,
) -> None:
    with pytest.raises(NoCredentials, match="endpoint e: the key in K") as refusal:
        ImageClient(_endpoint("http://127.0.0.1:1/v1"), key)
    assert "canary" not in str(refusal.value)


def test_a_request_carries_what_was_asked_and_names_its_attempt() -> None:
    server, _ = _exchange(_answers("200 OK", GOOD))
    headers, body = _sent(server)
    assert body == {
        "prompt": "A red kite, 风筝",
        "model": "gpt-image-2",
        "quality": "low",
        "size": "1024x1024",
    }
    assert headers["x-client-request-id"] == "t.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-stainless-retry-count"] == "0"


def test_parameters_that_the_library_does_not_know_are_sent_too() -> None:
    known = TRIAL.cell.parameters
    cell = replace(TRIAL.cell, parameters=(*known, ("n", 2), ("brand_new", "x")))
    server, _ = _exchange(_answers("200 OK", GOOD), replace(TRIAL, cell=cell))
    _, body = _sent(server)
    assert (body["n"], body["brand_new"]) == (2, "x")


@pytest.mark.parametrize(("route", "is_told"), [("direct", True), ("gateway", False)])
def test_only_the_provider_learns_the_organisation(
    monkeypatch: pytest.MonkeyPatch, route: str, *, is_told: bool
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-canary")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-canary")
    server, _ = _exchange(_answers("200 OK", GOOD), route=route)
    headers, _ = _sent(server)
    assert ("openai-organization" in headers) is is_told
    assert ("openai-project" in headers) is is_told
    assert (b"canary" in server.requests[0].replace(KEY.encode(), b"")) is is_told


def test_no_variable_sends_the_request_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server, (answer,) = _exchange(_answers("200 OK", GOOD))
    assert answer.status == 200
    assert b"sk-another" not in server.requests[0]
    assert os.environ["OPENAI_API_KEY"] == "sk-another"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "", "/openai/v1"])
def test_the_base_url_is_used_as_it_stands(path: str) -> None:
    async def go() -> RawServer:
        async with RawServer(_answers("404 No", b"")) as server:
            await _ask(_endpoint(f"http://127.0.0.1:{server.port}{path}"))
            return server

    server = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    first = server.requests[0].split(b"\r\n")[0].decode()
    assert first == f"POST {path.rstrip('/')}/images/generations HTTP/1.1"


INSTANTS = (
    "started_ns",
    "connect_started_ns",
    "connected_ns",
    "write_started_ns",
    "sent_ns",
    "first_byte_ns",
    "last_byte_ns",
)


def test_stamps_are_in_order_and_a_kept_connection_has_no_connect() -> None:
    server, answers = _exchange(_answers("200 OK", GOOD), n_times=3)
    assert server.n_connections == 1
    first, *kept = [answer.stamps for answer in answers]
    instants = [getattr(first, name) for name in INSTANTS]
    assert None not in instants
    assert instants == sorted(instants)
    for stamps in kept:
        assert stamps.connect_started_ns is None
        assert stamps.connected_ns is None
        rest = [getattr(stamps, name) for name in INSTANTS[3:]]
        assert rest == sorted(rest)
    sent = [answer.stamps.write_started_ns or 0 for answer in answers]
    assert sent == sorted(sent)


def test_a_connection_that_the_server_dropped_costs_no_second_post() -> None:
    n_answers = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_answers
        n_answers += 1
        await _answers("200 OK", GOOD)(reader, writer)
        if n_answers == 1:
            # Kept by the headers, dropped by the deed.
            await writer.drain()
            writer.close()

    server, answers = _exchange(talk, n_times=3)
    assert len(server.requests) <= 3
    sent = [answer for answer in answers if answer.stamps.may_have_left]
    assert len(server.requests) <= len(sent)
    assert answers[-1].status == 200


def test_each_of_many_at_once_has_stamps_of_its_own() -> None:
    own = [RequestStamps(started_ns=0) for _ in range(24)]

    async def go() -> tuple[RawServer, list[Exchange]]:
        async with RawServer(_answers("200 OK", GOOD)) as server:
            endpoint = _endpoint(f"http://127.0.0.1:{server.port}/v1")
            client = ImageClient(endpoint, KEY)
            answers: list[Exchange] = []
            for wave in (range(8), range(8, 24)):
                asked = [client.ask(TRIAL, f"t.{n}", own[n]) for n in wave]
                answers += await asyncio.gather(*asked)
            await client.close()
            return server, answers

    server, answers = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert len(server.requests) == 24
    # None waits for another's connection, and none is opened that is there.
    assert server.n_connections == 16
    for number, answer in enumerate(answers):
        assert answer.status == 200
        assert answer.stamps is own[number]
        rest = [getattr(answer.stamps, name) for name in INSTANTS[3:]]
        assert rest == sorted(rest)
    assert sum(a.stamps.connect_started_ns is not None for a in answers) == 16


def test_one_who_breaks_off_leaves_the_connection_unused() -> None:
    async def go() -> tuple[RawServer, RequestStamps]:
        arrived = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            arrived.set()
            await reader.read()

        async with RawServer(talk) as server:
            client = ImageClient(_endpoint(f"http://127.0.0.1:{server.port}/v1"), KEY)
            stamps = RequestStamps(started_ns=0)
            asked = asyncio.ensure_future(client.ask(TRIAL, "t.1", stamps))
            await arrived.wait()
            asked.cancel()
            with suppress(asyncio.CancelledError):
                await asked
            await client.close()
            return server, stamps

    server, stamps = asyncio.run(asyncio.wait_for(go(), PATIENCE_S))
    assert len(server.requests) == 1
    assert stamps.may_have_left
    assert stamps.last_byte_ns is None


@pytest.mark.parametrize("status", ["200 OK", "429 Too Many Requests"])
def test_headers_are_named_in_small_letters_whatever_a_server_writes(
    status: str,
) -> None:
    _, (answer,) = _exchange(
        _answers(status, b"{}", "Retry-After: 2", "X-EMULATOR: 1", "X-Request-Id: r")
    )
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["x-emulator"] == "1"
    assert answer.headers["x-request-id"] == "r"
