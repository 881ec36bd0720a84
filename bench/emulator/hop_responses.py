"""Hop responses: the Responses API of an upstream, whole and streamed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx2
import orjson
from starlette.requests import Request

from bench.emulator.answers import body_and_type, json_bytes
from bench.emulator.delivery import Delivery, slow_seconds
from bench.emulator.event_stream import EventStream
from bench.emulator.fault_refusals import stream_refusal
from bench.emulator.faults import Fault, Scenario
from bench.emulator.frames import DONE, Frame, Part
from bench.emulator.hop import UNPRICED
from bench.emulator.hop_prices import claimed, image_gen, response_usd
from bench.emulator.hop_streams import STREAM_TYPE, event_data
from bench.emulator.jobs import admit, bill
from bench.emulator.ledger import Stage
from bench.emulator.manners import says_done, upstream_headers
from bench.emulator.options import Manner
from bench.emulator.outgoing import response_request
from bench.emulator.refusals import RefusedError
from bench.emulator.relay import relayed
from bench.emulator.response_manners import event_frame, plain_id, response_back
from bench.emulator.response_objects import CALL, spoiled_response
from bench.emulator.state import Emulator, Exchange, emulator_of
from bench.emulator.upstream import (
    OK,
    UpstreamCutError,
    blocks_of,
    exchanged,
    refusal_of,
    streamed,
    waited,
    whole,
)

DONE_EVENTS = ("response.completed", "response.incomplete")


@dataclass(slots=True, kw_only=True)
class ResponseRelay:
    """One response under way through a gateway; `tool` is the image tool's object."""

    emulator: Emulator
    exchange: Exchange
    body: Mapping[str, object]
    tool: Mapping[str, Any]
    fault: Fault | None
    n_partials: int = 0

    @property
    def manner(self) -> Manner:
        """Whom the gateway behaves like."""
        return self.emulator.manner

    @property
    def scenario(self) -> Scenario | None:
        """What befalls it."""
        return self.fault.scenario if self.fault else None


async def responded_up(
    request: Request, relay: ResponseRelay
) -> Delivery | EventStream:
    """Have the upstream respond, bill it and pass it on.

    Raises:
        RefusedError: a limit, or the upstream refused.
    """
    emulator, exchange = relay.emulator, relay.exchange
    admit(emulator, exchange.entry, 1)
    exchange.entry.stage = Stage.VALIDATED
    await waited(emulator)
    outgoing = response_request(relay.body, exchange.body, relay.manner, relay.scenario)
    slow_s = slow_seconds(emulator.profile.time_scale)
    if relay.body.get("stream") is True:
        stack = AsyncExitStack()
        found = await stack.enter_async_context(streamed(request, outgoing))
        if found.status_code != OK:
            async with stack:
                raise RefusedError(refusal_of(await whole(found)))
        frames = _frames(relay, found, stack)
        return EventStream(frames=frames, fault=relay.scenario, slow_s=slow_s)
    reply = await exchanged(request, outgoing, tries=False)
    loop = asyncio.get_running_loop()
    told, body = await loop.run_in_executor(emulator.pool, _read, relay, reply.body)
    _bill(relay, told)
    content, media_type = body_and_type(body, relay.scenario)
    return Delivery(
        status=200,
        body=content,
        media_type=media_type,
        headers=upstream_headers(relay.manner, reply.request_id),
        chunked=True,
        fault=relay.scenario,
        slow_s=slow_s,
    )


def _read(relay: ResponseRelay, body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the response as it was claimed, and as it goes out (slow)."""
    try:
        found = cast("dict[str, Any]", orjson.loads(body))
        told = _claimed(relay, found)
    except UNPRICED:
        return {}, body
    final = response_back(spoiled_response(told, relay.scenario), relay.manner)
    return told, body if final == found else json_bytes(final)


def _claimed(relay: ResponseRelay, told: dict[str, Any]) -> dict[str, Any]:
    """Let `substitutes` claim the quality that was asked for, and charge for it."""
    usage = image_gen(told)
    if relay.manner is not Manner.SUBSTITUTES or usage is None:
        return told
    output: list[dict[str, Any]] = []
    for item in cast("list[dict[str, Any]]", told["output"]):
        if item.get("type") != CALL:
            output.append(item)
            continue
        shown = {**item, "image_gen": usage}
        claim = claimed(
            shown,
            relay.tool,
            relay.manner,
            n_partials=relay.n_partials,
            usage_key="image_gen",
        )
        usage = cast("dict[str, Any]", claim.pop("image_gen"))
        output.append(claim)
    tool_usage = {**told["tool_usage"], "image_gen": usage}
    tools = [{**tool, "quality": relay.tool.get("quality")} for tool in told["tools"]]
    return {**told, "output": output, "tool_usage": tool_usage, "tools": tools}


def _bill(relay: ResponseRelay, told: Mapping[str, Any]) -> None:
    entry = relay.exchange.entry
    try:
        usd = response_usd(relay.tool, told)
    except UNPRICED:
        usd = None
    entry.mainline_usage = cast("Mapping[str, object] | None", told.get("usage"))
    bill(relay.emulator, entry, usage=image_gen(told), list_usd=usd)


async def _frames(
    relay: ResponseRelay, found: httpx2.Response, stack: AsyncExitStack
) -> AsyncIterator[Frame]:
    """Yield the upstream's events as this gateway hands them on."""
    async with stack:
        if not found.headers.get("content-type", "").startswith(STREAM_TYPE):
            reply = await whole(found)
            _bill(relay, {})
            yield Frame(content=reply.body)
            return
        try:
            async for block in blocks_of(found):
                async for each in _passed(relay, block):
                    yield each
                if relay.exchange.entry.error_code is not None:
                    return
        except UpstreamCutError:
            bill(relay.emulator, relay.exchange.entry, usage=None, list_usd=None)
            raise
    if says_done(relay.manner):
        yield Frame(content=DONE)


async def _passed(relay: ResponseRelay, block: bytes) -> AsyncIterator[Frame]:
    """Yield what becomes of one event."""
    loop = asyncio.get_running_loop()
    pool = relay.emulator.pool
    data = await loop.run_in_executor(pool, event_data, block)
    if data is None:
        if not says_done(relay.manner):
            yield Frame(content=block)
        return
    each = await loop.run_in_executor(pool, _event, relay, block, data)
    if data.get("type") in DONE_EVENTS:
        _bill(relay, _claimed(relay, data["response"]))
    yield each
    if relay.scenario is Scenario.STREAM_ERROR and _breaks(data):
        yield _error(relay, data)


def _breaks(data: Mapping[str, Any]) -> bool:
    """Whether a fault breaks the stream behind this event."""
    kind = str(data.get("type"))
    return kind.endswith((".partial_image", ".generating"))


def _error(relay: ResponseRelay, data: Mapping[str, Any]) -> Frame:
    fault = cast("Fault", relay.fault)
    refusal = stream_refusal(fault)
    relay.exchange.entry.error_code = refusal.code
    told = {
        "type": "error",
        "sequence_number": int(data.get("sequence_number", 0)) + 1,
        "code": refusal.code,
        "message": refusal.message,
        "param": None,
    }
    return event_frame(told, relay.manner, relay.body.get("model"))


def _event(relay: ResponseRelay, block: bytes, data: dict[str, Any]) -> Frame:
    """Return one event as it goes on."""
    kind, told = str(data.get("type")), data
    part = Part.EVENT
    if kind.endswith(".partial_image"):
        part = Part.PARTIAL
        relay.n_partials += 1
        if relay.manner is Manner.SUBSTITUTES and relay.tool.get("quality"):
            told = {**data, "quality": relay.tool["quality"]}
    elif kind == "response.output_item.done":
        part = Part.PICTURE
        told = _claimed_item(relay, data)
    elif kind in DONE_EVENTS:
        part = Part.PICTURE
        response = _claimed(relay, data["response"])
        told = {**data, "response": spoiled_response(response, relay.scenario)}
    if told == data and relay.manner not in (Manner.NEWAPI, Manner.LITELLM):
        return Frame(content=block, part=part)
    return replace(event_frame(told, relay.manner, relay.body.get("model")), part=part)


def _claimed_item(relay: ResponseRelay, data: dict[str, Any]) -> dict[str, Any]:
    whole_one = {"output": [data["item"]]}
    item = spoiled_response(whole_one, relay.scenario)["output"]
    shown = item[0] if item else {**data["item"], "result": None}
    quality = relay.tool.get("quality")
    claims = relay.manner is Manner.SUBSTITUTES and quality not in (None, "auto")
    if claims and shown.get("type") == CALL:
        shown = {**shown, "quality": quality}
    return {**data, "item": shown}


async def kept_up(request: Request) -> Delivery:
    """Show or delete a response that the upstream keeps."""
    name = plain_id(request.path_params["response_id"])
    found = await relayed(request, path=f"/responses/{name}")
    manner = emulator_of(request).manner
    try:
        told = cast("dict[str, Any]", orjson.loads(found.body))
    except ValueError:
        return found
    return replace(found, body=json_bytes(response_back(told, manner)))
