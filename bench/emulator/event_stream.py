"""Event stream: an answer by events, and what may befall it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from bench.emulator.answers import HTML, HTML_PAGE
from bench.emulator.delivery import (
    CUTS,
    N_SLOW_PIECES,
    SLOW_MIN_S,
    Delivery,
    body_message,
)
from bench.emulator.faults import Scenario
from bench.emulator.frames import Frame, Part
from bench.emulator.state import Exchange
from bench.emulator.upstream import UpstreamCutError

EVENT_STREAM = "text/event-stream; charset=utf-8"
# Faults whose answer is no stream; the work is done before.
NO_STREAM = frozenset({Scenario.RESET_BEFORE_HEADERS, Scenario.HTML_200})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStream:
    """An answer of frames. They are made to the end, whoever still listens."""

    frames: AsyncIterator[Frame]
    fault: Scenario | None = None
    slow_s: float = SLOW_MIN_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer (ASGI)."""
        exchange: Exchange = scope["state"]["exchange"]
        if self.fault in NO_STREAM:
            await self._unstreamed(scope, receive, send)
            return
        if self.fault is Scenario.SLOW_HEADERS:
            await asyncio.sleep(self.slow_s)
        head = Delivery(status=200, body=b"", media_type=EVENT_STREAM, chunked=True)
        await send(head.start_message())
        try:
            speaks = await self._all_sent(exchange, send)
        except UpstreamCutError:
            exchange.entry.cut_by_fault = not exchange.connection.lost.is_set()
            await exchange.connection.hang_up()
            return
        if self.fault is Scenario.STREAM_STALL:
            await exchange.connection.lost.wait()
        elif speaks:
            await send(body_message(b"", more=False))

    async def _all_sent(self, exchange: Exchange, send: Send) -> bool:
        """Send the frames; False means that nothing may follow them.

        A stalling stream says nothing after its first partial picture, and nothing
        of the picture where it has none.
        """
        speaks, stalls = True, self.fault is Scenario.STREAM_STALL
        drips = self.fault is Scenario.SLOW_BODY
        async for each in self.frames:
            if drips and each.part is Part.PICTURE:
                drips = False
                await self._dripped(send, each.content)
            elif speaks and not (stalls and each.part is Part.PICTURE):
                speaks = await self._sent(exchange, send, each)
            if stalls and each.part is not Part.EVENT:
                speaks = False
        return speaks

    async def _unstreamed(self, scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in self.frames:
            pass
        page = Delivery(
            status=200, body=HTML_PAGE, media_type=HTML, chunked=True, fault=self.fault
        )
        await page(scope, receive, send)

    async def _sent(self, exchange: Exchange, send: Send, each: Frame) -> bool:
        """Send one frame; False means that nothing may follow it."""
        if each.part is not Part.PICTURE or self.fault is None:
            await send(
                {
                    **body_message(each.content, more=True),
                    "partial": each.part is Part.PARTIAL,
                }
            )
            return True
        if self.fault in CUTS:
            await self._cut(exchange, send, each.content)
            return False
        await send(body_message(self._spoiled(each.content), more=True))
        return True

    def _spoiled(self, content: bytes) -> bytes:
        if self.fault is Scenario.BAD_JSON_200:
            return content[: len(content) // 2] + b"\n\n"
        return content

    async def _cut(self, exchange: Exchange, send: Send, content: bytes) -> None:
        exchange.entry.cut_by_fault = not exchange.connection.lost.is_set()
        await send(body_message(content[: len(content) // 2], more=True))
        if self.fault is Scenario.RESET_IN_BODY:
            await exchange.connection.reset()
        else:
            await exchange.connection.hang_up()

    async def _dripped(self, send: Send, content: bytes) -> None:
        step = max(1, -(-len(content) // N_SLOW_PIECES))
        for start in range(0, len(content), step):
            await send(body_message(content[start : start + step], more=True))
            await asyncio.sleep(self.slow_s / N_SLOW_PIECES)
