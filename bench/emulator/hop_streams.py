"""Hop streams: an upstream's image stream, passed on while it comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import orjson
from starlette.requests import Request

from bench.emulator.delivery import slow_seconds
from bench.emulator.event_stream import EVENT_STREAM, EventStream
from bench.emulator.fault_refusals import stream_refusal
from bench.emulator.faults import Fault, Scenario
from bench.emulator.frames import DONE, Frame, Part
from bench.emulator.frames import frame as framed
from bench.emulator.hop import UNPRICED, repeat_key
from bench.emulator.hop_prices import claimed, list_usd
from bench.emulator.image_streams import error_frame, spoiled_event
from bench.emulator.jobs import admit, bill
from bench.emulator.ledger import Stage
from bench.emulator.manners import broken_stream, says_done
from bench.emulator.options import Manner
from bench.emulator.outgoing import Incoming, image_request
from bench.emulator.refusals import RefusedError
from bench.emulator.state import Emulator, Exchange, emulator_of, exchange_of
from bench.emulator.upstream import (
    OK,
    UpstreamCutError,
    blocks_of,
    refusal_of,
    streamed,
    waited,
    whole,
)
from bench.emulator.url_answers import final_event

STREAM_TYPE = EVENT_STREAM.partition(";")[0]


@dataclass(slots=True, kw_only=True)
class Relay:
    """One stream under way through a gateway."""

    emulator: Emulator
    exchange: Exchange
    came: Incoming
    fault: Scenario | None
    n_partials: int = 0
    frames: list[Frame] = field(default_factory=list[Frame])

    @property
    def manner(self) -> Manner:
        """Whom the gateway behaves like."""
        return self.emulator.manner


async def streamed_up(
    request: Request, came: Incoming, fault: Fault | None
) -> EventStream:
    """Have the upstream stream the picture, bill it and pass it on.

    Raises:
        RefusedError: a limit, the upstream refused, or this gateway breaks streams.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    admit(emulator, exchange.entry, 1)
    exchange.entry.stage = Stage.VALIDATED
    scenario = fault.scenario if fault else None
    relay = Relay(emulator=emulator, exchange=exchange, came=came, fault=scenario)
    kept = ("stream", *repeat_key(emulator, came.operation, came.body))
    if emulator.manner is Manner.REPEATS and kept in emulator.streams_once:
        return _stream(relay, _again(relay, kept))
    await waited(emulator)
    outgoing, asked = image_request(came, emulator.manner, scenario)
    exchange.entry.served_quality = cast("str | None", asked.get("quality"))
    stack = AsyncExitStack()
    found = await stack.enter_async_context(streamed(request, outgoing))
    if found.status_code != OK:
        async with stack:
            raise RefusedError(refusal_of(await whole(found)))
    events = _events(relay, found, stack)
    if emulator.manner is Manner.LITELLM:
        said = b"".join([each.content async for each in events])
        raise RefusedError(broken_stream(came.operation, said))
    return _stream(relay, _passed(relay, events, fault, kept))


def _stream(relay: Relay, frames: AsyncIterator[Frame]) -> EventStream:
    slow_s = slow_seconds(relay.emulator.profile.time_scale)
    return EventStream(frames=frames, fault=relay.fault, slow_s=slow_s)


async def _again(relay: Relay, kept: tuple[object, ...]) -> AsyncIterator[Frame]:
    """Serve a stream a second time, at once."""
    frames, usage, usd = relay.emulator.streams_once.pop(kept)
    for each in frames:
        if each.part is Part.PICTURE:
            entry = relay.exchange.entry
            bill(relay.emulator, entry, usage=usage, list_usd=usd)
        yield each


async def _passed(
    relay: Relay,
    events: AsyncIterator[Frame],
    fault: Fault | None,
    kept: tuple[object, ...],
) -> AsyncIterator[Frame]:
    """Pass events on; a fault of this gateway breaks off after the first partial."""
    breaks = fault is not None and fault.scenario is Scenario.STREAM_ERROR
    frames: list[Frame] = []
    async for each in events:
        broken = breaks and each.part is not Part.EVENT
        if fault is None or not broken or each.part is Part.PARTIAL:
            frames.append(each)
            yield each
        if fault is not None and broken:
            refusal = stream_refusal(fault)
            relay.exchange.entry.error_code = refusal.code
            yield error_frame(refusal)
            return
    if says_done(relay.manner):
        yield Frame(content=DONE)
    entry = relay.exchange.entry
    if relay.manner is Manner.REPEATS and fault is None and entry.billed:
        made = (tuple(frames), entry.usage, entry.list_usd)
        relay.emulator.streams_once[kept] = made


async def _events(
    relay: Relay, found: httpx2.Response, stack: AsyncExitStack
) -> AsyncIterator[Frame]:
    """Yield the upstream's events as this gateway hands them on."""
    async with stack:
        if not found.headers.get("content-type", "").startswith(STREAM_TYPE):
            reply = await whole(found)
            for each in _of_json(relay, reply.body):
                yield each
            return
        try:
            async for block in blocks_of(found):
                each = await _event(relay, block)
                if each is not None:
                    yield each
        except UpstreamCutError:
            # Nobody knows whether the upstream charged for it.
            bill(relay.emulator, relay.exchange.entry, usage=None, list_usd=None)
            raise


async def _event(relay: Relay, block: bytes) -> Frame | None:
    """Return one event as it goes on, None where it does not."""
    loop = asyncio.get_running_loop()
    data = await loop.run_in_executor(relay.emulator.pool, event_data, block)
    if data is None:
        return None if says_done(relay.manner) else Frame(content=block)
    kind = str(data.get("type"))
    if kind.endswith(".partial_image"):
        relay.n_partials += 1
        told = _claimed_partial(relay, data)
        return _frame(relay, block, data, told, Part.PARTIAL)
    if kind.endswith(".completed"):
        return _completed(relay, block, data)
    return _frame(relay, block, data, data, Part.EVENT)


def event_data(block: bytes) -> dict[str, Any] | None:
    """Return the JSON of an event, None where it is none (`[DONE]`, a comment)."""
    rows = [row for row in block.splitlines() if row.startswith(b"data:")]
    text = b"\n".join(row[5:].removeprefix(b" ") for row in rows)
    try:
        found: object = orjson.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _claimed_partial(relay: Relay, data: dict[str, Any]) -> dict[str, Any]:
    quality = relay.came.body.get("quality")
    if relay.manner is Manner.SUBSTITUTES and quality not in (None, "auto"):
        return {**data, "quality": quality}
    return data


def _completed(relay: Relay, block: bytes, data: dict[str, Any]) -> Frame:
    """Price the final event, and pass it on."""
    told = data
    usage: Mapping[str, object] | None = None
    usd = None
    try:
        body = relay.came.body
        told = claimed(data, body, relay.manner, n_partials=relay.n_partials)
        usage = cast("Mapping[str, object] | None", told.get("usage"))
        usd = list_usd(body, told, n_inputs=relay.came.n_inputs)
    except UNPRICED:
        pass
    entry = relay.exchange.entry
    entry.served_size = cast("str | None", data.get("size"))
    entry.served_quality = cast("str | None", data.get("quality"))
    bill(relay.emulator, entry, usage=usage, list_usd=usd)
    shown = final_event(relay.emulator, spoiled_event(told, relay.fault), entry.id)
    return _frame(relay, block, data, shown, Part.PICTURE)


def _frame(
    relay: Relay,
    block: bytes,
    data: Mapping[str, Any],
    told: Mapping[str, Any],
    part: Part,
) -> Frame:
    """Pass a block on as it came, unless something in it is another now."""
    if told == data and relay.manner is not Manner.NEWAPI:
        return Frame(content=block, part=part)
    return framed(told, part)


def _of_json(relay: Relay, body: bytes) -> list[Frame]:
    """Turn an upstream's whole answer into final events, without its options."""
    try:
        told = cast("dict[str, Any]", orjson.loads(body))
        usd = list_usd(relay.came.body, told, n_inputs=relay.came.n_inputs)
        rows = cast("list[dict[str, Any]]", told["data"])
        events = [completed_of_row(relay.came.operation, told, row) for row in rows]
    except UNPRICED:
        bill(relay.emulator, relay.exchange.entry, usage=None, list_usd=None)
        return []
    usage = cast("Mapping[str, object] | None", told.get("usage"))
    bill(relay.emulator, relay.exchange.entry, usage=usage, list_usd=usd)
    name = relay.exchange.entry.id
    shown = [final_event(relay.emulator, event, name) for event in events]
    return [framed(event, Part.PICTURE) for event in shown]


def completed_of_row(
    operation: str, told: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the final event that newapi makes of one row of a whole answer."""
    begins = "image_edit" if operation == "edit" else "image_generation"
    usage = told.get("usage")
    return {
        "type": f"{begins}.completed",
        "created_at": told.get("created", int(time.time())),
        **{key: row[key] for key in ("b64_json", "url") if key in row},
        **({} if usage is None else {"usage": usage}),
    }
