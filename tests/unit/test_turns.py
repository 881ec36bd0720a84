"""Turns: which trials stand together, and what each goes on from."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from bench.attempt import (
    Attempt,
    Billing,
    Cell,
    Money,
    Outcome,
    Served,
    Stamps,
    Trial,
)
from bench.errors import BadInput
from bench.load.model import parse_load
from bench.plan.frozen import PlannedTrial
from bench.plan.options import Options
from bench.record import LastAttempt, RunHistory
from bench.turns import Turns, check_schedule, pieces

CELL = Cell(
    endpoint="e",
    api="responses",
    operation="converse",
    model="gpt-image-2",
    mainline_model="gpt-5.2",
    parameters=(),
)


def _turn(name: str, after: str | None = None) -> PlannedTrial:
    trial = Trial(
        trial_id=name,
        cell=CELL,
        prompt_id=name,
        prompt_text="a kite",
        repeat=1,
        block=0,
        position=0,
        after=after,
    )
    return PlannedTrial(
        trial=trial, bound_usd=Decimal(1), expected=None, why_bounded=()
    )


A1, A2, A3 = _turn("a1"), _turn("a2", "a1"), _turn("a3", "a2")
B1, B2, SINGLE = _turn("b1"), _turn("b2", "b1"), _turn("c")
ALL = (A1, A2, A3, SINGLE, B1, B2)


def _history(ends: Mapping[str, tuple[Outcome, Billing, str | None]]) -> RunHistory:
    history = RunHistory()
    for name, (outcome, billing, response_id) in ends.items():
        last = LastAttempt(
            attempt_no=1,
            endpoint="e",
            outcome=outcome,
            billing=billing,
            response_id=response_id,
        )
        history.trials[name].note(last)
    return history


DONE = (Outcome.OK, Billing.BILLED, "resp_1")
SILENT = (Outcome.LOST, Billing.POSSIBLY_BILLED, None)
HELD = (Outcome.RATE_LIMITED, Billing.UNBILLED, None)


def _ids(trials: tuple[PlannedTrial, ...]) -> list[str]:
    return [planned.trial.trial_id for planned in trials]


def test_turns_of_a_conversation_are_one_piece_of_work() -> None:
    assert list(map(_ids, pieces(ALL))) == [["a1", "a2", "a3"], ["c"], ["b1", "b2"]]


def test_a_conversation_whose_first_turns_are_done_goes_on_as_one_piece() -> None:
    left = (A2, A3, SINGLE, B2)
    assert list(map(_ids, pieces(left))) == [["a2", "a3"], ["c"], ["b2"]]


@pytest.mark.parametrize(
    ("ends", "left"),
    [
        ({}, ["a1", "a2", "a3", "c", "b1", "b2"]),
        ({"a1": DONE}, ["a2", "a3", "c", "b1", "b2"]),
        # Lost, a turn may be paid: it is not sent again, and none goes on from it.
        ({"a1": DONE, "a2": SILENT}, ["c", "b1", "b2"]),
        ({"a1": DONE, "a2": HELD, "b1": SILENT}, ["a2", "a3", "c"]),
    ],
)
def test_what_is_left_of_a_conversation_is_what_can_go_on(
    ends: Mapping[str, tuple[Outcome, Billing, str | None]], left: list[str]
) -> None:
    assert _ids(_history(ends).left(ALL)) == left


def _attempt(response_id: str | None) -> Attempt:
    return Attempt(
        attempt_id="a1.1",
        trial_id="a1",
        attempt_no=1,
        endpoint="e",
        outcome=Outcome.OK if response_id else Outcome.SERVER_ERROR,
        billing=Billing.BILLED,
        started_at="2026-11-22T05:00:00Z",
        stamps=Stamps(),
        served=Served(),
        money=Money(),
        response_id=response_id,
    )


def test_a_turn_names_the_response_that_it_goes_on_from() -> None:
    told: list[str] = []
    turns = Turns(_history({"b1": DONE}), told.append)
    after_this_process = turns.ready(A2, _attempt("resp_now"))
    after_another = turns.ready(B2, None)
    assert after_this_process is not None
    assert after_another is not None
    assert after_this_process.trial.previous_response_id == "resp_now"
    assert after_another.trial.previous_response_id == "resp_1"
    assert turns.ready(A1, None) == A1
    assert not told


def test_a_turn_without_a_response_before_it_is_not_sent_and_told_once() -> None:
    told: list[str] = []
    turns = Turns(_history({"b1": SILENT}), told.append)
    assert turns.ready(A2, _attempt(None)) is None
    assert turns.ready(B2, None) is None
    assert len(told) == 1
    assert "a2 at e is not sent: the turn before it (server error)" in told[0]


def test_conversations_and_schedules_are_refused_together() -> None:
    paced = replace(Options(), load=parse_load("constant:5/s"))
    check_schedule(Options(), ALL)
    check_schedule(paced, (A1, SINGLE))
    with pytest.raises(BadInput, match="'a2' is a turn of a conversation"):
        check_schedule(paced, ALL)
