"""Responses: POST, GET and DELETE /v1/responses."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.routing import Route

from bench.emulator.answers import body_and_type, json_bytes
from bench.emulator.delivery import Delivery, slow_seconds
from bench.emulator.event_stream import EventStream
from bench.emulator.faults import Fault
from bench.emulator.generations import json_object
from bench.emulator.hop_responses import ResponseRelay, kept_up, responded_up
from bench.emulator.image_tool import IMAGE_TOOL
from bench.emulator.jobs import admit
from bench.emulator.keys import require_key
from bench.emulator.ledger import Entry, Stage
from bench.emulator.refusals import Refusal, RefusedError
from bench.emulator.response_checks import asked
from bench.emulator.response_events import response_frames
from bench.emulator.response_manners import plain_id, response_back, response_on
from bench.emulator.response_objects import spoiled_response
from bench.emulator.serving import Answer, befallen
from bench.emulator.state import Emulator, Exchange, emulator_of, exchange_of
from bench.emulator.turns import Turn, charge, finished, keep, pictured, turn_of

NOT_FOUND = 404


async def create_response(request: Request) -> Answer:
    """Answer one request for a response.

    Raises:
        RefusedError: any check, limit or fault that answers with an error.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    require_key(request)
    entry = exchange.entry
    entry.operation = entry.operation or "response"
    body = json_object(request, exchange.body)
    note_response(entry, body)
    fault = befallen(emulator, entry)
    body = response_on(body, emulator.manner)
    if emulator.upstream is not None:
        relay = ResponseRelay(
            emulator=emulator,
            exchange=exchange,
            body=body,
            tool=_image_tool(body),
            fault=fault,
        )
        return await responded_up(request, relay)
    loop = asyncio.get_running_loop()
    wanted = await loop.run_in_executor(emulator.pool, asked, emulator, body)
    admit(emulator, entry, 1)
    entry.stage = Stage.VALIDATED
    entry.n_inputs = len(wanted.wanted.inputs) if wanted.wanted else 0
    turn = turn_of(emulator, exchange, wanted, fault)
    slow_s = slow_seconds(emulator.profile.time_scale)
    if wanted.stream:
        return EventStream(
            frames=response_frames(emulator, exchange, turn, fault),
            fault=turn.fault,
            slow_s=slow_s,
        )
    content = await _whole(emulator, exchange, turn, fault)
    sent, media_type = body_and_type(content, turn.fault)
    return Delivery(
        status=200,
        body=sent,
        media_type=media_type,
        chunked=True,
        fault=turn.fault,
        slow_s=slow_s,
    )


async def _whole(
    emulator: Emulator, exchange: Exchange, turn: Turn, fault: Fault | None
) -> bytes:
    """Make, wait, bill and keep; return the body of the answer."""
    found = await pictured(emulator, turn, fault)
    await turn.time.reached(1)
    charge(emulator, exchange.entry, turn)
    told = finished(emulator, turn, found)
    keep(emulator, turn, told)
    shown = spoiled_response(told, turn.fault)
    return json_bytes(response_back(shown, emulator.manner))


def note_response(entry: Entry, body: Mapping[str, object]) -> None:
    """Write into the ledger what was asked for, as far as it has the right type."""
    tool = _image_tool(body)

    def text(members: Mapping[str, object], key: str) -> str | None:
        value = members.get(key)
        return value if isinstance(value, str) else None

    entry.mainline_model = text(body, "model")
    entry.model = text(tool, "model")
    entry.quality, entry.size = text(tool, "quality"), text(tool, "size")
    entry.n = 1
    entry.prompt = _last_text(body.get("input"))
    entry.stream = body.get("stream") is True
    partials = tool.get("partial_images")
    entry.partial_images = partials if type(partials) is int else None


def _image_tool(body: Mapping[str, object]) -> Mapping[str, Any]:
    tools = body.get("tools")
    rows = cast("list[object]", tools) if isinstance(tools, list) else []
    objects = [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
    empty: dict[str, Any] = {}
    return next((row for row in objects if row.get("type") == IMAGE_TOOL), empty)


def _last_text(given: object) -> str | None:
    """Find the last text in an input of any form."""
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        for each in reversed(cast("list[object]", given)):
            if isinstance(each, dict):
                members = cast("dict[str, object]", each)
                found = _last_text(members.get("content", members.get("text")))
                if found is not None:
                    return found
    return None


async def read_response(request: Request) -> Delivery:
    """Show a response that was kept."""
    emulator = emulator_of(request)
    require_key(request)
    befallen(emulator, exchange_of(request).entry)
    if emulator.upstream is not None:
        return await kept_up(request)
    name = plain_id(request.path_params["response_id"])
    found = emulator.conversations.get(name)
    if found is None:
        raise _unknown(name)
    return Delivery(status=200, body=found.body)


async def delete_response(request: Request) -> Delivery:
    """Forget a response that was kept."""
    emulator = emulator_of(request)
    require_key(request)
    befallen(emulator, exchange_of(request).entry)
    if emulator.upstream is not None:
        return await kept_up(request)
    name = plain_id(request.path_params["response_id"])
    if not emulator.conversations.forget(name):
        raise _unknown(name)
    told = {"id": name, "object": "response", "deleted": True}
    return Delivery(status=200, body=json_bytes(told))


def _unknown(name: str) -> RefusedError:
    return RefusedError(
        Refusal(status=NOT_FOUND, message=f"Response with id '{name}' not found.")
    )


ROUTES = (
    Route("/v1/responses", create_response, methods=["POST"]),
    Route("/v1/responses/{response_id}", read_response, methods=["GET"]),
    Route("/v1/responses/{response_id}", delete_response, methods=["DELETE"]),
)
