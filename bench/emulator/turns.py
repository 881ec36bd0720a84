"""Turns: one answer of the text model, with a picture or without."""

import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.emulator.answers import json_bytes
from bench.emulator.checks import edges_px
from bench.emulator.conversations import Kept
from bench.emulator.faults import Fault, Scenario
from bench.emulator.jobs import Job, Span, bill, key_of, planned, span
from bench.emulator.ledger import Entry
from bench.emulator.mainline import (
    MainlineUsage,
    mainline_price_usd,
    mainline_usage,
    output_tokens,
    picture_tokens,
)
from bench.emulator.making import made
from bench.emulator.prices import EXACT
from bench.emulator.response_checks import Asked
from bench.emulator.response_objects import (
    ANSWER,
    Used,
    image_item,
    response_object,
    text_item,
    told_usage,
)
from bench.emulator.service_time import SIGMA, draw_about_s
from bench.emulator.settle import list_price_usd
from bench.emulator.state import Emulator, Exchange, Made

THINKING_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn under way. Without a job it is a text; cut short it is not even that."""

    asked: Asked
    response_id: str
    item_id: str
    created_at: int
    job: Job | None
    time: Span
    mainline: MainlineUsage
    is_cut_short: bool
    fault: Scenario | None

    def begun(self) -> dict[str, Any]:
        """Return the response as it is before anything came of it."""
        return response_object(
            self.asked,
            self.response_id,
            created_at=self.created_at,
            status="in_progress",
        )


def turn_of(
    emulator: Emulator, exchange: Exchange, asked: Asked, fault: Fault | None
) -> Turn:
    """Fix what a turn will be, how long it takes and what it uses."""
    scenario = fault.scenario if fault else None
    needed = output_tokens(asked.text)
    most = asked.most_output
    cut_short = most is not None and most < needed
    draws = asked.wanted is not None and not cut_short
    job = None
    if asked.wanted is not None and draws and scenario is not Scenario.NO_IMAGE_200:
        job = planned(emulator, exchange, asked.wanted, fault, THINKING_S)
    mainline = mainline_usage(
        asked.model,
        n_input=asked.n_instructions + asked.n_prefix + asked.n_new,
        n_prefix=asked.n_prefix,
        n_output=most if most is not None and cut_short else needed,
    )
    exchange.entry.mainline_model = asked.model.name
    exchange.entry.mainline_usage = mainline.as_json()
    name = uuid.uuid4().hex
    return Turn(
        asked=asked,
        response_id=f"resp_{name}",
        item_id=f"{'msg' if job is None else 'ig'}_{name}",
        created_at=int(time.time()),
        job=job,
        time=job or _thinking(emulator, exchange),
        mainline=mainline,
        is_cut_short=cut_short,
        fault=scenario,
    )


def _thinking(emulator: Emulator, exchange: Exchange) -> Span:
    """Return how long an answer without a picture takes."""
    chosen = emulator.profile.service_time
    key = f"{key_of(emulator, exchange)}:time"
    drawn_s = draw_about_s(THINKING_S, SIGMA, key, chosen)
    return span(emulator, exchange.entry, drawn_s)


async def pictured(emulator: Emulator, turn: Turn, fault: Fault | None) -> Made | None:
    """Make the picture of a turn, None where it has none."""
    return None if turn.job is None else await made(emulator, turn.job, fault)


def charge(emulator: Emulator, entry: Entry, turn: Turn) -> None:
    """Charge what the text model and the image tool used, whoever still listens."""
    usd = mainline_price_usd(turn.asked.model, turn.mainline)
    image: dict[str, object] | None = None
    if turn.job is not None and turn.job.plan.usage is not None:
        image = turn.job.plan.usage.as_json()
        usd = EXACT.add(usd, list_price_usd(turn.job.plan))
    bill(emulator, entry, usage=image, list_usd=Decimal(usd))


def finished(emulator: Emulator, turn: Turn, found: Made | None) -> dict[str, Any]:
    """Return the whole response."""
    told = response_object(
        turn.asked,
        turn.response_id,
        created_at=turn.created_at,
        status="incomplete" if turn.is_cut_short else "completed",
    )
    if turn.is_cut_short:
        told["incomplete_details"] = {"reason": "max_output_tokens"}
    else:
        told["output"] = [item_of(turn, found)]
    image = None if turn.job is None else turn.job.plan.usage
    used = Used(mainline=turn.mainline, image=image)
    return {**told, **told_usage(used, emulator.profile.tool_usage)}


def item_of(turn: Turn, found: Made | None) -> dict[str, Any]:
    """Return the one item of the output."""
    if turn.job is None or found is None:
        return text_item(turn.item_id, ANSWER)
    return image_item(turn.job, turn.item_id, found.picture)


def keep(emulator: Emulator, turn: Turn, told: dict[str, Any]) -> None:
    """Keep a response for later turns, where the request wants that."""
    if not turn.asked.store:
        return
    mainline = turn.mainline
    tokens = mainline.input_tokens - turn.asked.n_instructions + mainline.output_tokens
    if turn.job is not None:
        tokens += picture_tokens(*edges_px(turn.job.plan.drawn_size))
    emulator.conversations.keep(
        Kept(
            id=turn.response_id,
            body=json_bytes(told),
            n_tokens=tokens,
            item_id=turn.item_id,
            previous_id=turn.asked.previous_id,
        )
    )
