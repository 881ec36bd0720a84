"""The search for the highest rate, against endpoints of known capacity."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.load.model import parse_goal
from bench.load.search import (
    FEWEST_A_STAGE,
    MOST_STAGES,
    NEAR_ENOUGH,
    Tried,
    Verdict,
    bounds,
    fewest_slow_for_over,
    is_settled,
    judged,
    next_rate,
    stage_size,
)

GOAL = parse_goal("p95<5s")


def _stage(per_s: float, capacity: float, chance: random.Random) -> Tried:
    """A queue that is served in turn at its capacity, each answer taking 1 s."""
    n, free_s, ends_s = stage_size(per_s, GOAL), 0.0, list[float | None]()
    for number in range(n):
        due_s = number / per_s
        free_s = max(due_s, free_s) + 1 / capacity
        ends_s.append(free_s - due_s + 1 + chance.random() * 0.1)
    return judged(per_s, GOAL, ends_s, n_late=0, n_unsent=0)


def _searched(begin: float, capacity: float) -> list[Tried]:
    tried, chance = list[Tried](), random.Random(1)
    while (per_s := next_rate(tried, begin)) is not None:
        tried.append(_stage(per_s, capacity, chance))
    return tried


@settings(max_examples=60, deadline=None)
@given(st.floats(0.3, 60))
def test_the_search_ends_near_the_capacity_or_says_that_it_is_not_settled(
    capacity: float,
) -> None:
    tried = _searched(1.0, capacity)
    low, high = bounds(tried)
    assert len(tried) <= MOST_STAGES
    if not is_settled(tried):
        assert len(tried) == MOST_STAGES or low is None
        return
    assert low is not None
    assert high is not None
    assert high / low <= NEAR_ENOUGH
    # A stage of four limits passes what a queue can hold back for that long.
    assert low <= capacity * 1.3
    assert high >= capacity * 0.95


def test_rates_are_doubled_and_then_halved_between() -> None:
    rates = [one.per_s for one in _searched(1.0, 6.0)]
    assert rates[:4] == [1.0, 2.0, 4.0, 8.0]
    assert all(4.0 < rate < 8.0 for rate in rates[4:])


def test_a_first_rate_that_is_too_high_is_halved() -> None:
    rates = [one.per_s for one in _searched(8.0, 1.5)]
    assert rates[:3] == [8.0, 4.0, 2.0]


def test_an_endpoint_that_answers_nothing_is_given_up_without_a_rate() -> None:
    tried = list[Tried]()
    while (per_s := next_rate(tried, 1.0)) is not None:
        tried.append(judged(per_s, GOAL, [None] * 100, n_late=0, n_unsent=0))
    assert bounds(tried)[0] is None
    assert not is_settled(tried)
    assert tried[0].p95_s is None


def test_too_few_requests_are_never_under() -> None:
    assert judged(1, GOAL, [0.1] * 71, n_late=0, n_unsent=0).verdict is Verdict.UNCLEAR
    assert judged(1, GOAL, [0.1] * 72, n_late=0, n_unsent=0).verdict is Verdict.UNDER


def test_requests_without_a_picture_count_as_slow() -> None:
    found = judged(1, GOAL, [0.1] * 85 + [None] * 15, n_late=0, n_unsent=0)
    assert (found.verdict, found.n_slow) == (Verdict.OVER, 15)


def test_a_stage_that_this_program_sent_late_says_nothing_of_the_endpoint() -> None:
    found = judged(1, GOAL, [9.0] * 100, n_late=6, n_unsent=0)
    assert found.verdict is Verdict.LIMITED
    assert next_rate([found], 1.0) is None


@settings(deadline=None)
@given(st.integers(FEWEST_A_STAGE, 400), st.integers(0, 400))
def test_a_stage_is_broken_off_only_where_its_end_could_not_change_the_verdict(
    n: int, n_slow: int
) -> None:
    n_slow = min(n_slow, n)
    whole = [9.0] * n_slow + [0.1] * (n - n_slow)
    is_over = judged(1, GOAL, whole, n_late=0, n_unsent=0).verdict is Verdict.OVER
    assert is_over == (n_slow >= fewest_slow_for_over(n))
    if is_over:
        part = judged(1, GOAL, [9.0] * n_slow, n_late=0, n_unsent=n - n_slow)
        assert part.verdict is Verdict.OVER


def test_a_stage_lasts_four_limits_and_has_a_hundred_requests() -> None:
    assert stage_size(1, GOAL) == FEWEST_A_STAGE
    assert stage_size(20, GOAL) == pytest.approx(400)
