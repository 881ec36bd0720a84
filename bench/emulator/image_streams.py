"""Image streams: the partial pictures and the final one, as events."""

import time
from collections.abc import AsyncIterator
from typing import Any

from bench.emulator.answers import ZERO_USAGE, half_picture, told_background, whole_text
from bench.emulator.checks import ImageRequest
from bench.emulator.delivery import slow_seconds
from bench.emulator.event_stream import EventStream
from bench.emulator.fault_refusals import stream_refusal
from bench.emulator.faults import Fault, Scenario
from bench.emulator.frames import DONE, Frame, Part, frame
from bench.emulator.jobs import Job, admit, bill, planned
from bench.emulator.ledger import Stage
from bench.emulator.making import made
from bench.emulator.manners import says_done
from bench.emulator.refusals import Refusal
from bench.emulator.settle import list_price_usd
from bench.emulator.state import Emulator, Exchange, Made
from bench.emulator.url_answers import final_event


def image_stream(
    emulator: Emulator, exchange: Exchange, wanted: ImageRequest, fault: Fault | None
) -> EventStream:
    """Begin a stream of one picture.

    Raises:
        RefusedError: a rate limit.
    """
    admit(emulator, exchange.entry, 1)
    exchange.entry.stage = Stage.VALIDATED
    job = planned(emulator, exchange, wanted, fault)
    return EventStream(
        frames=_frames(emulator, exchange, job, fault),
        fault=fault.scenario if fault else None,
        slow_s=slow_seconds(emulator.profile.time_scale),
    )


async def _frames(
    emulator: Emulator, exchange: Exchange, job: Job, fault: Fault | None
) -> AsyncIterator[Frame]:
    found = await made(emulator, job, fault)
    breaks = fault is not None and fault.scenario is Scenario.STREAM_ERROR
    for at, picture in enumerate(found.partials):
        await job.reached((at + 1) / (job.n_partials + 1))
        yield frame(_partial(job, at, picture), Part.PARTIAL)
        if breaks:
            break
    if fault is not None and breaks:
        await job.reached(0.5 if not found.partials else 0)
        refusal = stream_refusal(fault)
        exchange.entry.error_code = refusal.code
        yield error_frame(refusal)
        return
    await job.reached(1)
    usage = None if job.plan.usage is None else job.plan.usage.as_json()
    bill(emulator, exchange.entry, usage=usage, list_usd=list_price_usd(job.plan))
    told = _completed(job, found, fault)
    yield frame(final_event(emulator, told, exchange.entry.id), Part.PICTURE)
    if says_done(emulator.manner) or emulator.profile.stream_done:
        yield Frame(content=DONE)


def kind_of(wanted: ImageRequest) -> str:
    """Return how the types of this stream's events begin."""
    return "image_edit" if wanted.inputs else "image_generation"


def _partial(job: Job, at: int, picture: str) -> dict[str, Any]:
    """Tell a partial picture: options as they were asked, be it `auto`."""
    wanted = job.plan.wanted
    return {
        "type": f"{kind_of(wanted)}.partial_image",
        "b64_json": picture,
        "created_at": int(time.time()),
        "size": wanted.size,
        "quality": wanted.quality,
        "background": wanted.background,
        "output_format": wanted.output_format,
        "partial_image_index": at,
    }


def _completed(job: Job, found: Made, fault: Fault | None) -> dict[str, Any]:
    plan, wanted = job.plan, job.plan.wanted
    told: dict[str, Any] = {
        "type": f"{kind_of(wanted)}.completed",
        "b64_json": found.picture,
        "created_at": int(time.time()),
        "size": plan.told_size,
        "quality": plan.told_quality,
        "background": told_background(wanted),
        "output_format": wanted.output_format,
    }
    if wanted.safety_identifier is not None:
        told["safety_identifier"] = whole_text(wanted.safety_identifier)
    if plan.usage is not None:
        told["usage"] = plan.usage.as_json()
    return spoiled_event(told, fault.scenario if fault else None)


def spoiled_event(told: dict[str, Any], fault: Scenario | None) -> dict[str, Any]:
    """Return a final event with what the fault does to its content."""
    match fault:
        case Scenario.NO_IMAGE_200:
            return {**told, "b64_json": ""}
        case Scenario.CORRUPT_IMAGE_200:
            return {**told, "b64_json": half_picture(str(told.get("b64_json")))}
        case Scenario.MISSING_USAGE:
            return {key: value for key, value in told.items() if key != "usage"}
        case Scenario.ZERO_USAGE if "usage" in told:
            return {**told, "usage": ZERO_USAGE}
        case _:
            return told


def error_frame(refusal: Refusal) -> Frame:
    """Tell an error as an event whose JSON has an `error` object."""
    return frame({"type": "error", "error": refusal.error()})
