"""Response events: a response as a stream, in the order of the real one."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bench.emulator.answers import told_background
from bench.emulator.fault_refusals import stream_refusal
from bench.emulator.faults import Fault, Scenario
from bench.emulator.frames import DONE, Frame, Part
from bench.emulator.manners import says_done
from bench.emulator.options import Manner
from bench.emulator.response_manners import event_frame
from bench.emulator.response_objects import CALL, spoiled_response, text_part
from bench.emulator.state import Emulator, Exchange, Made
from bench.emulator.turns import Turn, charge, finished, keep, pictured


@dataclass(slots=True)
class _Counter:
    """Builds frames, each with the next sequence number."""

    manner: Manner
    model: str
    at: int = 0

    def frame(
        self, kind: str, members: dict[str, Any], part: Part = Part.EVENT
    ) -> Frame:
        data = {"type": kind, "sequence_number": self.at, **members}
        self.at += 1
        return replace(event_frame(data, self.manner, self.model), part=part)


async def response_frames(
    emulator: Emulator, exchange: Exchange, turn: Turn, fault: Fault | None
) -> AsyncIterator[Frame]:
    """Yield the events of a turn, each at its time."""
    counter = _Counter(emulator.manner, turn.asked.model.name)
    begun = turn.begun()
    yield counter.frame("response.created", {"response": begun})
    yield counter.frame("response.in_progress", {"response": begun})
    found = await pictured(emulator, turn, fault)
    breaks = fault is not None and fault.scenario is Scenario.STREAM_ERROR
    if turn.job is not None and found is not None:
        async for each in _image_events(counter, turn, found, breaks=breaks):
            yield each
    if fault is not None and breaks:
        if found is None or not found.partials:
            await turn.time.reached(0.5)
        refusal = stream_refusal(fault)
        exchange.entry.error_code = refusal.code
        said = {"code": refusal.code, "message": refusal.message, "param": None}
        yield counter.frame("error", said)
        return
    await turn.time.reached(1)
    charge(emulator, exchange.entry, turn)
    told = finished(emulator, turn, found)
    keep(emulator, turn, told)
    for each in _last_events(counter, turn, spoiled_response(told, turn.fault)):
        yield each
    if says_done(emulator.manner):
        yield Frame(content=DONE)


async def _image_events(
    counter: _Counter, turn: Turn, found: Made, *, breaks: bool
) -> AsyncIterator[Frame]:
    """Yield what comes before the picture is there."""
    place = {"item_id": turn.item_id, "output_index": 0}
    item = {
        "id": turn.item_id,
        "type": CALL,
        "status": "in_progress",
        "result": None,
    }
    yield counter.frame("response.output_item.added", {"output_index": 0, "item": item})
    yield counter.frame("response.image_generation_call.in_progress", place)
    yield counter.frame("response.image_generation_call.generating", place)
    n_partials = len(found.partials)
    for at, picture in enumerate(found.partials):
        await turn.time.reached((at + 1) / (n_partials + 1))
        yield counter.frame(
            "response.image_generation_call.partial_image",
            {**place, **_partial(turn, at, picture)},
            Part.PARTIAL,
        )
        if breaks:
            return


def _partial(turn: Turn, at: int, picture: str) -> dict[str, Any]:
    if turn.job is None:
        return {}
    plan, wanted = turn.job.plan, turn.job.plan.wanted
    return {
        "partial_image_index": at,
        "partial_image_b64": picture,
        "size": plan.told_size,
        "quality": plan.told_quality,
        "background": told_background(wanted),
        "output_format": wanted.output_format,
    }


def _last_events(
    counter: _Counter, turn: Turn, told: dict[str, Any]
) -> Iterator[Frame]:
    """Yield what comes when the work is done."""
    if turn.is_cut_short:
        yield counter.frame("response.incomplete", {"response": told})
        return
    (item,) = told["output"]
    if turn.job is None:
        yield from _text_events(counter, turn, item)
    else:
        place = {"item_id": turn.item_id, "output_index": 0}
        yield counter.frame("response.image_generation_call.completed", place)
    done = {"output_index": 0, "item": item}
    yield counter.frame("response.output_item.done", done, Part.PICTURE)
    yield counter.frame("response.completed", {"response": told}, Part.PICTURE)


def _text_events(
    counter: _Counter, turn: Turn, item: dict[str, Any]
) -> Iterator[Frame]:
    (part,) = item["content"]
    place = {"item_id": turn.item_id, "output_index": 0}
    within = {**place, "content_index": 0}
    said: dict[str, Any] = {"text": part["text"], "logprobs": []}
    begun: dict[str, Any] = {**item, "status": "in_progress", "content": []}
    added: dict[str, Any] = {"output_index": 0, "item": begun}
    yield counter.frame("response.output_item.added", added)
    yield counter.frame(
        "response.content_part.added", {**within, "part": text_part("")}
    )
    yield counter.frame(
        "response.output_text.delta",
        {**within, "delta": part["text"], "logprobs": []},
    )
    yield counter.frame("response.output_text.done", {**within, **said})
    yield counter.frame("response.content_part.done", {**within, "part": part})
