"""Hop: a gateway that asks another server and keeps its own account."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import orjson
from starlette.requests import Request

from bench.emulator.answers import json_bytes, spoiled
from bench.emulator.faults import Scenario
from bench.emulator.hop_prices import claimed, list_usd
from bench.emulator.manners import passed_back
from bench.emulator.options import Manner
from bench.emulator.outgoing import Incoming, image_request
from bench.emulator.state import Emulator, Outcome, emulator_of, exchange_of
from bench.emulator.upstream import Reply, exchanged, waited
from bench.emulator.url_answers import by_url, keep

_REPEAT_KEYS = ("model", "quality", "size", "n", "output_format", "background")
UNPRICED = (ValueError, AttributeError, KeyError, TypeError)


async def forwarded(
    request: Request, came: Incoming, fault: Scenario | None
) -> Outcome:
    """Ask the upstream for the pictures and price what it answers.

    Raises:
        RefusedError: the upstream refused or could not be reached.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    kept = repeat_key(emulator, came.operation, came.body)
    if emulator.manner is Manner.REPEATS and kept in emulator.once_served:
        return emulator.once_served.pop(kept)
    await waited(emulator)
    outgoing, asked = image_request(came, emulator.manner, fault)
    reply = await exchanged(request, outgoing, tries=came.operation == "generate")
    loop = asyncio.get_running_loop()
    outcome, pictures = await loop.run_in_executor(
        emulator.pool, priced, emulator, came, reply, fault
    )
    keep(emulator, pictures, str(came.body.get("output_format", "png")))
    entry = exchange.entry
    entry.served_quality, entry.served_size = outcome.quality, outcome.size
    if asked.get("quality") != came.body.get("quality"):
        entry.served_quality = cast("str", asked["quality"])
    if emulator.manner is Manner.REPEATS and fault is None:
        emulator.once_served[kept] = outcome
    return outcome


def repeat_key(
    emulator: Emulator, operation: str, members: Mapping[str, object]
) -> tuple[object, ...]:
    """Return by what two requests are alike to the manner `repeats`."""
    alike = (repr(members.get(key)) for key in _REPEAT_KEYS)
    return (emulator.manner, operation, *alike)


def priced(
    emulator: Emulator, came: Incoming, reply: Reply, fault: Scenario | None
) -> tuple[Outcome, dict[str, bytes]]:
    """Read, change and price an answer (slow: belongs in a worker thread).

    Beside it are the pictures that it gives by address.
    """
    manner = emulator.manner
    try:
        told = cast("dict[str, Any]", orjson.loads(reply.body))
        shown = claimed(told, came.body, manner)
        usd = list_usd(came.body, shown, n_inputs=came.n_inputs)
    except UNPRICED:
        return unread(reply), {}
    usage = cast("dict[str, object] | None", shown.get("usage"))
    final = passed_back(spoiled(shown, fault), manner)
    pictures: dict[str, bytes] = {}
    if manner is Manner.NEWAPI and emulator.profile.answers_url:
        final, pictures = by_url(final, emulator.origin, str(reply.request_id))
    outcome = Outcome(
        body=reply.body if final == told else json_bytes(final),
        usage=usage,
        list_usd=usd,
        quality=shown.get("quality"),
        size=shown.get("size"),
        upstream_id=reply.request_id,
    )
    return outcome, pictures


def unread(reply: Reply) -> Outcome:
    """Return an answer that can't be read, and so can't be priced."""
    return Outcome(
        body=reply.body,
        usage=None,
        list_usd=None,
        quality=None,
        size=None,
        upstream_id=reply.request_id,
    )
