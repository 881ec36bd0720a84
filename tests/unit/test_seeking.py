"""A search carried out at an endpoint that answers at once, or as it is told."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bench.attempt import (
    Attempt,
    Billing,
    Money,
    Outcome,
    Served,
    Stamps,
    UsageSource,
)
from bench.load.model import parse_goal, parse_load
from bench.pacing import Pacer
from bench.plan.build import Wishes
from bench.plan.frozen import Plan, PlannedTrial
from bench.plan.options import Options
from bench.seeking import Found, Seeker
from bench.traffic.gate import Gate

GOAL = parse_goal("p95<10ms")
# A stage of it has 100 requests and lasts 200 ms.
LOAD = parse_load("constant:500/s")
FAST = Stamps(total_s=0.001, late_s=0.0)
Planner = Callable[..., Plan]
End = Callable[[int, Gate], tuple[Outcome, Stamps]]


def _attempt(planned: PlannedTrial, outcome: Outcome, stamps: Stamps) -> Attempt:
    return Attempt(
        attempt_id=f"{planned.trial.trial_id}.1",
        trial_id=planned.trial.trial_id,
        attempt_no=1,
        endpoint=planned.trial.cell.endpoint,
        outcome=outcome,
        billing=Billing.BILLED,
        started_at="2026-11-21T12:00:00.000000Z",
        stamps=stamps,
        served=Served(),
        money=Money(charge_usd=Decimal("0.01")),
        usage={},
        usage_source=UsageSource.ABSENT,
    )


def _searched(plan: Plan, end: End) -> tuple[Found, list[dict[str, Any]], int]:
    """What is found, what is recorded, and how many requests it took."""
    records = list[dict[str, Any]]()
    gate, numbers = Gate(), itertools.count(1)

    async def begin(planned: PlannedTrial, _: int) -> None:
        if not gate.is_closed:
            ended = end(next(numbers), gate)
            seeker.note(planned, _attempt(planned, *ended))

    async def record(stage: dict[str, Any]) -> None:
        records.append(stage)

    pacer = Pacer(gate, 1000, begin)
    options = Options(load=LOAD, goal=GOAL)
    seeker = Seeker(options, GOAL, 1, pacer, lambda _: None, record)

    async def session() -> Found:
        return await seeker.seek(plan.trials, lambda: gate.is_closed)

    return asyncio.run(session()), records, pacer.n_begun


def _fast(_: int, __: Gate) -> tuple[Outcome, Stamps]:
    return Outcome.OK, FAST


@pytest.mark.parametrize("n_warmup", [0, 60, 150])
def test_warm_up_comes_on_top_of_the_requests_that_judge_a_rate(
    make_plan: Planner, n_warmup: int
) -> None:
    plan = make_plan(repeats=150, wishes=Wishes(seed=1, warm_up=n_warmup))
    found, _, n_begun = _searched(plan, _fast)
    assert {(one.n, one.verdict) for one in found.tried} == {(100, "under")}
    assert found.highest_per_s == 500 * 2 ** (len(found.tried) - 1)
    assert n_begun == 100 * len(found.tried) + n_warmup


def test_a_search_that_names_no_warm_up_pays_for_few(make_plan: Planner) -> None:
    options = Options(load=LOAD, goal=GOAL, concurrency=1000)
    plan = make_plan(repeats=500, wishes=Wishes(seed=1, options=options))
    assert sum(planned.is_warmup for planned in plan.trials) == 5


def test_a_stage_that_this_program_sends_late_is_not_paid_to_its_end(
    make_plan: Planner,
) -> None:
    late = replace(FAST, late_s=0.5)
    plan = make_plan(repeats=200, wishes=Wishes(seed=1, warm_up=0))
    found, _, n_begun = _searched(plan, lambda *_: (Outcome.OK, late))
    assert [one.verdict for one in found.tried] == ["client limited"]
    assert n_begun < 60


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.CANCELLED])
def test_a_rate_at_which_the_run_was_stopped_is_not_judged(
    make_plan: Planner, outcome: Outcome
) -> None:
    def end(number: int, gate: Gate) -> tuple[Outcome, Stamps]:
        if number <= 100:
            return Outcome.OK, FAST
        if number == 140:
            gate.close("user", "stopped by its user")
        return outcome, FAST

    plan = make_plan(repeats=200, wishes=Wishes(seed=1, warm_up=0))
    found, records, _ = _searched(plan, end)
    assert [one.per_s for one in found.tried] == [500]
    assert [record["verdict"] for record in records] == ["under"]
    assert found.highest_per_s == 500
    assert found.reason == "the run was stopped while 1000/s was tried"
