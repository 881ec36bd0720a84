"""Killing a run between turns loses none, and no turn is paid twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double

# Where a kill leaves the turn in flight recorded, and where it is lost.
KEPT = ("outcome_durable:2", "settled:1", "reserved:1")
LOST = "answered:1"


def begun(desk: Desk, double: Double) -> None:
    desk.endpoint(double.url, api=["images", "responses"])
    turns = ["At night", "With a moon", "As a woodcut", "In blue", "Larger"]
    desk.suite(
        prompts=[{"id": "kite", "text": "A kite", "then": turns}],
        fixed={"size": "1024x640", "mainline_model": "gpt-4.1-mini"},
        operation="converse",
        api="responses",
    )


def test_a_conversation_goes_on_from_its_last_recorded_turn(
    desk: Desk, direct: Double, judge_of: Callable[[Desk, Double], Any]
) -> None:
    begun(desk, direct)
    judge = judge_of(desk, direct)
    carry_out, agreed = desk.run, ("--yes",)
    for kill_at in KEPT:
        killed = carry_out(*agreed, PIXELMETER_KILL_AT=kill_at)
        assert killed.code == -signal.SIGKILL, killed
        assert judge.check()["state"] == "interrupted"
        carry_out, agreed = desk.resume, ()
    done = desk.resume()
    status = judge.check()
    assert (done.code, status["trials"]["done"]) == (0, 6)
    assert judge.n_posts == 6
    outcomes = {r["trial_id"]: r for r in desk.records("outcome")}
    trials = [t for t in desk.plan["trials"] if t.get("after")]
    # An answer whose turn before was named brings its picture along.
    assert all(outcomes[t["trial_id"]]["input_image_tokens"] for t in trials)


def test_a_turn_that_was_lost_ends_its_conversation(
    desk: Desk, direct: Double, judge_of: Callable[[Desk, Double], Any]
) -> None:
    begun(desk, direct)
    judge = judge_of(desk, direct)
    assert desk.run("--yes", PIXELMETER_KILL_AT=LOST).code == -signal.SIGKILL
    judge.check()
    ended = desk.resume("--max-failed-share", 1)
    status = judge.check()
    assert ended.code == 0
    assert (judge.n_posts, judge.n_lost) == (1, 1)
    assert status["trials"]["possibly_billed"] == 1
    assert status["trials"]["not_sent"] == 5
