"""Recorder: every request enters the ledger and gets its stamps."""

import logging
import time
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.emulator.delivery import send_refusal
from bench.emulator.ledger import Entry, Stage
from bench.emulator.options import Manner
from bench.emulator.refusals import Refusal
from bench.emulator.state import Emulator, Exchange
from bench.emulator.wire import Connection

CONTROLS = ("/_emulator/", "/openapi.json")
BODY_MAX_BYTES = 16 * 1024 * 1024
# Where pictures and files come in: two of the largest, and what is around them.
UPLOAD_MAX_BYTES = 128 * 1024 * 1024
UPLOADS = ("/v1/images/edits", "/v1/images/variations", "/v1/files", "/v1/responses")
LITELLM_VERSION = b"1.106.2"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorder:
    """ASGI application around the real one; see docs/emulator.md for the stamps."""

    app: ASGIApp
    emulator: Emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record one request from its first byte to its last."""
        emulator = self.emulator
        connection: Connection = scope["state"]["connection"]
        entry = _entry(scope, emulator.manner)
        controls = scope["path"].startswith(CONTROLS)
        if not controls:
            emulator.n_requests += 1
            emulator.ledger.entries.append(entry)
            emulator.in_flight += 1
        number = emulator.n_requests
        try:
            body = await _whole_body(receive, max_bytes(scope["path"]))
            if body is None:
                entry.client_gone = True
                return
            entry.received_ns = connection.read_ns
            entry.stage = Stage.RECEIVED
            scope["state"]["exchange"] = Exchange(
                connection=connection, entry=entry, number=number, body=body
            )
            stamped = _Stamps(connection, entry, emulator, send)
            await self._answer(scope, receive, stamped)
            entry.client_gone = connection.lost.is_set() and not stamped.done()
        finally:
            emulator.in_flight -= 0 if controls else 1

    async def _answer(self, scope: Scope, receive: Receive, send: "_Stamps") -> None:
        exchange: Exchange = scope["state"]["exchange"]
        try:
            most = max_bytes(scope["path"])
            if len(exchange.body) > most:
                await send_refusal(_too_large(most), send)
                return
            await self.app(scope, receive, send)
        except Exception:
            # Our own mistake: said loudly, and answered so that nobody hangs.
            log.exception("the emulator failed on %s", exchange.entry.path)
            if exchange.entry.first_byte_ns is None:
                await send_refusal(
                    Refusal(
                        status=500,
                        type="server_error",
                        message="The emulator itself failed: see its stderr.",
                        code="emulator_failed",
                    ),
                    send,
                )


@dataclass(slots=True)
class _Stamps:
    """The `send` of one exchange: adds headers, stamps first and last byte."""

    connection: Connection
    entry: Entry
    emulator: Emulator
    send: Send

    async def __call__(self, message: Message) -> None:
        entry = self.entry
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *self._headers()]
            if self.connection.lost.is_set():
                return
            entry.status = message["status"]
            entry.stage = Stage.SENDING
            entry.first_byte_ns = time.monotonic_ns()
            await self.send(message)
            return
        last = not message.get("more_body", False)
        partial = message.pop("partial", False)
        await self.send(message)
        sent_ns = await self.connection.drained()
        if partial and sent_ns is not None:
            entry.partials_ns.append(sent_ns)
        if last and sent_ns is not None:
            entry.sent_ns = sent_ns
            entry.stage = Stage.SENT

    def done(self) -> bool:
        """Whether the answer was complete or cut by the emulator itself."""
        return self.entry.stage is Stage.SENT or self.entry.cut_by_fault

    def _headers(self) -> list[tuple[bytes, bytes]]:
        received_ns = self.entry.received_ns or 0
        own = [
            (b"x-emulator", b"1"),
            (b"x-request-id", self.entry.id.encode()),
            (b"x-emulator-received-ns", str(received_ns).encode()),
        ]
        took_ms = str((time.monotonic_ns() - received_ns) // 1_000_000).encode()
        manner = self.emulator.manner
        if manner is Manner.LITELLM:
            call_id = str(uuid.uuid4()).encode()
            return [
                *own,
                (b"x-litellm-call-id", call_id),
                (b"x-litellm-version", LITELLM_VERSION),
                (b"x-litellm-response-duration-ms", took_ms),
            ]
        if manner is Manner.NEWAPI:
            return [*own, (b"x-api-request-id", uuid.uuid4().hex.encode())]
        return [
            *own,
            (b"openai-organization", b"org-emulator"),
            (b"openai-processing-ms", took_ms),
            (b"openai-version", b"2020-10-01"),
            *self._limits(),
        ]

    def _limits(self) -> list[tuple[bytes, bytes]]:
        """Return what is left of the minute; reading and steering cost nothing."""
        if self.entry.method != "POST" or self.entry.path.startswith(CONTROLS):
            return []
        limits = self.emulator.profile.limits
        told = self.emulator.window.headers(limits, time.monotonic())
        return [(name.encode(), value.encode()) for name, value in told.items()]


def _entry(scope: MutableMapping[str, object], manner: Manner) -> Entry:
    headers = Headers(scope=scope)
    return Entry(
        id=f"req_{uuid.uuid4().hex}",
        method=str(scope["method"]),
        path=str(scope["path"]),
        manner=manner,
        client_request_id=headers.get("x-client-request-id"),
    )


def max_bytes(path: str) -> int:
    """Return how long a request's body may be."""
    return UPLOAD_MAX_BYTES if path in UPLOADS else BODY_MAX_BYTES


def _too_large(most: int) -> Refusal:
    return Refusal(
        status=413,
        message=f"The request body is larger than {most} bytes.",
        code="request_too_large",
    )


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    """Read the body, None when the client left before its end.

    Beyond one byte over the maximum nothing more is kept.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= most:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
