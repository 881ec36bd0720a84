"""Delivery: an answer goes out whole, slowly, cut short or not at all."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from bench.emulator.faults import Scenario
from bench.emulator.refusals import Refusal
from bench.emulator.state import Exchange

JSON = "application/json"
SLOW_MIN_S = 3.0
SLOW_SIMULATED_S = 60.0
N_SLOW_PIECES = 20
CUTS = frozenset(
    {
        Scenario.RESET_BEFORE_HEADERS,
        Scenario.RESET_IN_BODY,
        Scenario.TRUNCATED_BODY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An answer, and the fault that befalls it on the way out.

    `chunked` leaves the length out, as the real service does for pictures.
    """

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    chunked: bool = False
    fault: Scenario | None = None
    slow_s: float = SLOW_MIN_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer (ASGI)."""
        del receive
        exchange: Exchange = scope["state"]["exchange"]
        gone = exchange.connection.lost.is_set()
        exchange.entry.cut_by_fault = self.fault in CUTS and not gone
        if self.fault is Scenario.RESET_BEFORE_HEADERS:
            await exchange.connection.reset()
            return
        if self.fault is Scenario.SLOW_HEADERS:
            await asyncio.sleep(self.slow_s)
        await send(self.start_message())
        if self.fault in CUTS:
            await self._cut(exchange, send)
            return
        await self._send_body(send)

    def start_message(self) -> dict[str, object]:
        """Return the ASGI message with status and headers."""
        length = {} if self.chunked else {"content-length": str(len(self.body))}
        fields = {"content-type": self.media_type, **length, **self.headers}
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": [(k.encode(), v.encode()) for k, v in fields.items()],
        }

    async def _send_body(self, send: Send) -> None:
        pieces = list(self._pieces())
        for at, piece in enumerate(pieces):
            more = at + 1 < len(pieces)
            await send(body_message(piece, more=more))
            if more:
                await asyncio.sleep(self.slow_s / N_SLOW_PIECES)

    def _pieces(self) -> Iterator[bytes]:
        if self.fault is not Scenario.SLOW_BODY:
            yield self.body
            return
        step = max(1, -(-len(self.body) // N_SLOW_PIECES))
        for start in range(0, len(self.body), step):
            yield self.body[start : start + step]

    async def _cut(self, exchange: Exchange, send: Send) -> None:
        await send(body_message(self.body[: len(self.body) // 2], more=True))
        if self.fault is Scenario.RESET_IN_BODY:
            await exchange.connection.reset()
        else:
            await exchange.connection.hang_up()


def body_message(piece: bytes, *, more: bool) -> dict[str, object]:
    """Return the ASGI message with a piece of the body."""
    return {"type": "http.response.body", "body": piece, "more_body": more}


def slow_seconds(time_scale: float) -> float:
    """Return how long `slow_headers` and `slow_body` take, never under 3 s."""
    return max(SLOW_MIN_S, SLOW_SIMULATED_S * time_scale)


def refusal_delivery(refusal: Refusal) -> Delivery:
    """Return a refusal as an answer."""
    return Delivery(
        status=refusal.status, body=refusal.body(), headers=refusal.headers()
    )


async def send_refusal(refusal: Refusal, send: Send) -> None:
    """Send a refusal outside of any route."""
    delivery = refusal_delivery(refusal)
    await send(delivery.start_message())
    await send(body_message(delivery.body, more=False))
