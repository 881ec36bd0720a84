"""Killing a run at any moment loses nothing recorded and pays nothing twice."""

from __future__ import annotations

import random
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from bench.crashpoint import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Desk, Double

CONCURRENCY = 12
FEWEST_IN_FLIGHT = 8
# The first wave has ended by then, and the second is in flight.
PASSES = {"reserved": 22, "intent_durable": 22}
N_RANDOM_KILLS = 6
# Records that are on disk when a point is passed, one for each passing.
DURABLE = {
    "intent": POINTS[POINTS.index("intent_durable") :],
    "outcome": POINTS[POINTS.index("outcome_durable") :],
}


def begun(desk: Desk, double: Double, n_trials: int) -> None:
    # The smallest pictures that the model makes spare the machine.
    desk.suite(repeats=n_trials // 3, fixed={"size": "1024x640"})
    desk.endpoint(double.url)
    spread = {"distribution": "lognormal", "median_s": 0.4, "sigma": 0.3}
    double.profile(time_scale=1, service_time=spread)


@pytest.mark.slow
def test_a_kill_at_each_point_of_the_write_order_loses_nothing(
    desk: Desk, direct: Double, judge_of: Callable[[Desk, Double], Any]
) -> None:
    begun(desk, direct, 144)
    judge = judge_of(desk, direct)
    options = ("--concurrency", CONCURRENCY)
    n_lost, durable = 0, dict.fromkeys(DURABLE, 0)
    for number, point in enumerate(POINTS):
        n_passes = PASSES.get(point, CONCURRENCY)
        kill_at = f"{point}:{n_passes}"
        carry_out = desk.resume if number else desk.run
        agreed = () if number else ("--yes",)
        killed = carry_out(*options, *agreed, PIXELMETER_KILL_AT=kill_at)
        assert (killed.code, killed.out) == (-signal.SIGKILL, ""), killed
        status = judge.check()
        assert (status["state"], status["stopped_by"]) == ("interrupted", None)
        assert judge.n_lost - n_lost >= FEWEST_IN_FLIGHT, point
        n_lost = judge.n_lost
        for kind, points in DURABLE.items():
            n_new = len(desk.records(kind)) - durable[kind]
            assert n_new >= n_passes or point not in points, (point, kind)
            durable[kind] += n_new
    finish(desk, direct, judge)


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing(
    desk: Desk, direct: Double, judge_of: Callable[[Desk, Double], Any]
) -> None:
    begun(desk, direct, 144)
    direct.fault("rate_limited", share=0.1, retry_after_s=0.05)
    judge = judge_of(desk, direct)
    chance = random.Random(20261121)
    start = (*desk.run_arguments(), "--yes")
    for _ in range(N_RANDOM_KILLS):
        n_wanted = len(direct.posts) + chance.randint(
            FEWEST_IN_FLIGHT, 2 * FEWEST_IN_FLIGHT
        )
        process = desk.start(*start, "--concurrency", CONCURRENCY)
        desk.until(partial(is_due, direct, n_wanted), "no full flight")
        assert process.poll() is None
        process.kill()
        assert desk.end(process).code == -signal.SIGKILL
        assert judge.check()["state"] == "interrupted"
        start = ("resume", "latest", "--json")
    direct.mend()
    finish(desk, direct, judge)


def is_due(double: Double, n_posts: int) -> bool:
    in_flight = double.in_flight >= FEWEST_IN_FLIGHT
    return in_flight and len(double.posts_now) >= n_posts


def finish(desk: Desk, double: Double, judge: Any) -> None:
    """Resume to the end; a further resume sends nothing."""
    ended = desk.resume("--max-failed-share", 1)
    status = judge.check()
    assert (ended.code, status["state"]) == (0, "finished")
    assert status["trials"]["not_sent"] == status["trials"]["failed"] == 0
    assert status["trials"]["possibly_billed"] == judge.n_lost
    n_posts = len(double.posts)
    again = desk.resume("--max-failed-share", 1)
    assert (again.code, len(double.posts)) == (0, n_posts)
    assert again.answer["charge_usd"] == status["charge_usd"]
