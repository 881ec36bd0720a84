"""Serving: a checked request for pictures, from its turn to its answer."""

import asyncio
from dataclasses import replace

from starlette.requests import Request

from bench.emulator.answers import (
    Plan,
    body_and_type,
    dall_e_document,
    document,
    drawn,
    json_bytes,
    spoiled,
)
from bench.emulator.canned import CANNED_KEPT, canned_outcome
from bench.emulator.checks import ImageRequest
from bench.emulator.delivery import Delivery, slow_seconds
from bench.emulator.event_stream import EventStream
from bench.emulator.fault_refusals import refusal_of
from bench.emulator.faults import Fault, Scenario, Sighting
from bench.emulator.hop import forwarded
from bench.emulator.hop_streams import streamed_up
from bench.emulator.image_streams import image_stream
from bench.emulator.jobs import admit, bill, planned
from bench.emulator.ledger import Entry, Stage
from bench.emulator.manners import broken_stream, passed_back, upstream_headers
from bench.emulator.outgoing import Incoming
from bench.emulator.refusals import RefusedError
from bench.emulator.settle import list_price_usd
from bench.emulator.state import (
    Emulator,
    Exchange,
    Manner,
    Outcome,
    emulator_of,
    exchange_of,
)
from bench.emulator.url_answers import by_url

Answer = Delivery | EventStream


def befallen(emulator: Emulator, entry: Entry) -> Fault | None:
    """Draw the fault for this request; one that is an error is raised at once."""
    seen = Sighting(
        method=entry.method,
        path=entry.path,
        model=entry.model,
        prompt=entry.prompt,
        stream=entry.stream,
    )
    fault = emulator.faults.draw(seen)
    if fault is None:
        return None
    entry.fault = fault.scenario
    refusal = refusal_of(fault, entry.model)
    if refusal is not None:
        raise RefusedError(refusal)
    return fault


async def served(request: Request, wanted: ImageRequest, fault: Fault | None) -> Answer:
    """Make the pictures of a checked request, bill them and answer.

    Raises:
        RefusedError: a rate limit.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    if wanted.stream and emulator.manner is Manner.LITELLM:
        await _broken(emulator, exchange, wanted, fault)
    if wanted.stream:
        return image_stream(emulator, exchange, wanted, fault)
    outcome = await _own(emulator, exchange, wanted, fault)
    _bill(emulator, exchange.entry, outcome)
    return _delivery(emulator, outcome, fault)


async def passed_up(request: Request, came: Incoming, fault: Fault | None) -> Answer:
    """Have the upstream make the pictures, bill them and answer.

    Raises:
        RefusedError: a rate limit, or the upstream refused.
    """
    emulator, exchange = emulator_of(request), exchange_of(request)
    if came.body.get("stream") is True:
        return await streamed_up(request, came, fault)
    admit(emulator, exchange.entry, exchange.entry.n or 1)
    exchange.entry.stage = Stage.VALIDATED
    outcome = await forwarded(request, came, fault.scenario if fault else None)
    _bill(emulator, exchange.entry, outcome)
    delivery = _delivery(emulator, outcome, fault)
    if came.operation == "generate":
        return delivery
    headers = upstream_headers(emulator.manner, outcome.upstream_id)
    return replace(delivery, headers=headers)


async def _broken(
    emulator: Emulator, exchange: Exchange, wanted: ImageRequest, fault: Fault | None
) -> None:
    """Do all the work of a stream and bill it, and then fail."""
    frames = image_stream(emulator, exchange, wanted, fault).frames
    said = b"".join([each.content async for each in frames])
    operation = "edit" if wanted.inputs else "generate"
    raise RefusedError(broken_stream(operation, said))


async def _own(
    emulator: Emulator, exchange: Exchange, wanted: ImageRequest, fault: Fault | None
) -> Outcome:
    """Render, and wait as long as the simulated model takes."""
    admit(emulator, exchange.entry, wanted.n)
    exchange.entry.stage = Stage.VALIDATED
    job = planned(emulator, exchange, wanted, fault)
    outcome = await _made(emulator, job.plan, fault)
    await job.reached(1)
    return outcome


async def _made(emulator: Emulator, plan: Plan, fault: Fault | None) -> Outcome:
    """Make the answer in a worker thread, or serve an old one (manner repeats)."""
    wanted = plan.wanted
    kept = (wanted.model, plan.told_quality, plan.told_size, wanted.n)
    kept = (*kept, wanted.output_format, wanted.background, wanted.response_format)
    if emulator.manner is Manner.REPEATS and kept in emulator.once_served:
        return emulator.once_served.pop(kept)
    loop = asyncio.get_running_loop()
    answer_bytes = emulator.profile.answer_bytes
    if answer_bytes is not None and fault is None and not wanted.model.is_dall_e:
        return await _canned(emulator, plan, answer_bytes)
    outcome, pictures = await loop.run_in_executor(
        emulator.pool, _outcome, emulator, plan, fault
    )
    for name, picture in pictures.items():
        emulator.keep_picture(name, picture, f"image/{wanted.output_format}")
    if emulator.manner is Manner.REPEATS and fault is None:
        emulator.once_served[kept] = outcome
    return outcome


async def _canned(emulator: Emulator, plan: Plan, answer_bytes: int) -> Outcome:
    """Serve what was made for the first request that asked the same."""
    asked = f"{answer_bytes} {replace(plan, key='', request_id='')}"
    if asked not in emulator.canned:
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(
            emulator.pool, canned_outcome, plan, answer_bytes
        )
        while len(emulator.canned) >= CANNED_KEPT:
            del emulator.canned[next(iter(emulator.canned))]
        emulator.canned[asked] = made
    return emulator.canned[asked]


def _outcome(
    emulator: Emulator, plan: Plan, fault: Fault | None
) -> tuple[Outcome, dict[str, bytes]]:
    origin = emulator.origin
    pictures = drawn(plan)
    names = [f"{plan.request_id}-{at}.png" for at in range(len(pictures))]
    if plan.wanted.model.is_dall_e:
        urls = [f"{origin}/_emulator/pictures/{name}" for name in names]
        told = dall_e_document(plan, pictures, urls)
    else:
        told, names = document(plan, pictures), []
    told = spoiled(told, fault.scenario if fault else None)
    told = passed_back(told, emulator.manner)
    kept = dict(zip(names, pictures, strict=False))
    if emulator.manner is Manner.NEWAPI and emulator.profile.answers_url:
        told, kept = by_url(told, origin, plan.request_id)
    outcome = Outcome(
        body=json_bytes(told),
        usage=None if plan.usage is None else plan.usage.as_json(),
        list_usd=list_price_usd(plan),
        quality=plan.told_quality,
        size=plan.told_size,
    )
    return outcome, kept


def _bill(emulator: Emulator, entry: Entry, outcome: Outcome) -> None:
    entry.upstream_id = outcome.upstream_id
    bill(emulator, entry, usage=outcome.usage, list_usd=outcome.list_usd)


def _delivery(emulator: Emulator, outcome: Outcome, fault: Fault | None) -> Delivery:
    scenario: Scenario | None = fault.scenario if fault else None
    body, media_type = body_and_type(outcome.body, scenario)
    return Delivery(
        status=200,
        body=body,
        media_type=media_type,
        chunked=True,
        fault=scenario,
        slow_s=slow_seconds(emulator.profile.time_scale),
    )
