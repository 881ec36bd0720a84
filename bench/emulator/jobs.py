"""Jobs: the plan, the time and the bill of one checked request."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from bench.emulator.answers import Plan
from bench.emulator.checks import ImageRequest
from bench.emulator.faults import Fault
from bench.emulator.ledger import Entry, Stage
from bench.emulator.options import Manner
from bench.emulator.prices import batched, scaled
from bench.emulator.refusals import RefusedError
from bench.emulator.service_time import draw_s
from bench.emulator.settle import settled, work_of
from bench.emulator.state import Emulator, Exchange
from bench.emulator.values import invalid_value

PARTIAL_TOKENS = 100
BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A simulated span of time, begun when the request had come."""

    started_ns: int
    service_ns: int

    async def reached(self, share: float) -> None:
        """Wait until this share of the span is over."""
        due_ns = self.started_ns + round(self.service_ns * share)
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Span):
    """What will be made, how many partial pictures come before it, and when."""

    plan: Plan
    n_partials: int


def admit(emulator: Emulator, entry: Entry, images: int) -> None:
    """Let a request pass, or refuse it by the limits of the profile.

    The lines of a batch have passed already: limits are for what comes by itself.

    Raises:
        RefusedError: a limit, or a line of a batch that wants to be a stream.
    """
    if entry.operation == BATCH:
        if entry.stream:
            raise invalid_value("A line of a batch can't be a stream.", "stream")
        return
    limits = emulator.profile.limits
    refusal = emulator.window.admit(limits, images, time.monotonic())
    if refusal is not None:
        raise RefusedError(refusal)


def planned(
    emulator: Emulator,
    exchange: Exchange,
    wanted: ImageRequest,
    fault: Fault | None,
    thinking_s: float = 0.0,
) -> Job:
    """Fix what a request gets. `thinking_s` are a text model's simulated seconds."""
    entry, profile = exchange.entry, emulator.profile
    plan = settled(
        wanted,
        key=key_of(emulator, exchange),
        request_id=entry.id,
        fault=fault.scenario if fault else None,
        substitutes=emulator.manner is Manner.SUBSTITUTES,
    )
    n_partials = _n_partials(wanted, profile.partials_share, plan.key)
    if plan.usage is not None and n_partials:
        tokens = plan.usage.output_image_tokens + PARTIAL_TOKENS * n_partials
        plan = replace(plan, usage=replace(plan.usage, output_image_tokens=tokens))
    drawn_s = draw_s(work_of(plan), profile.service_time, f"{plan.key}:time")
    if profile.service_time is None:
        drawn_s += thinking_s
    entry.served_quality, entry.served_size = plan.drawn_quality, plan.drawn_size
    if plan.svg_usage is not None:
        entry.svg_usage = plan.svg_usage.as_json()
    took = span(emulator, entry, drawn_s)
    return Job(
        plan=plan,
        n_partials=n_partials,
        started_ns=took.started_ns,
        service_ns=took.service_ns,
    )


def span(emulator: Emulator, entry: Entry, simulated_s: float) -> Span:
    """Return the span of so many simulated seconds, and of the overhead."""
    profile = emulator.profile
    seconds = (simulated_s + profile.overhead_s) * profile.time_scale
    return Span(started_ns=entry.received_ns or 0, service_ns=round(seconds * 1e9))


def key_of(emulator: Emulator, exchange: Exchange) -> str:
    """Return what seeds everything that is drawn by lot for this request."""
    return f"{emulator.seed}:{emulator.manner}:{exchange.number}"


def _n_partials(wanted: ImageRequest, share: float, key: str) -> int:
    """Count the partial pictures that come: each that was asked for has a draw."""
    if not wanted.stream:
        return 0
    dice = random.Random(f"{key}:partials")  # noqa: S311 - a simulation, no secret
    return sum(dice.random() < share for _ in range(wanted.partial_images))


def bill(
    emulator: Emulator,
    entry: Entry,
    *,
    usage: Mapping[str, object] | None,
    list_usd: Decimal | None,
) -> None:
    """Charge the request: its pictures are made, whoever still listens."""
    entry.stage = Stage.RENDERED
    entry.rendered_ns = time.monotonic_ns()
    entry.billed = True
    entry.usage = usage
    if list_usd is not None and entry.operation == BATCH:
        list_usd = batched(list_usd)
    entry.list_usd = list_usd
    entry.price_usd = (
        None if list_usd is None else scaled(list_usd, emulator.profile.price_factor)
    )
