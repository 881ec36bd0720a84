import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import bench.stats
from bench.binomial import point
from bench.stats import (
    Interval,
    Verdict,
    mcnemar_p,
    mean_difference,
    quantile_interval,
    ratio_difference,
    unit_difference,
    wilson_interval,
)


# Figures worked out in the research notes and, for ranks, from tables of the
# binomial distribution (n = 10: ranks 2 and 9; n = 20: 6 and 15).
@pytest.mark.parametrize(
    ("n", "q", "low", "high"),
    [
        (0, 0.5, None, None),
        (5, 0.5, None, None),
        (6, 0.5, 1, 6),
        (10, 0.5, 2, 9),
        (20, 0.5, 6, 15),
        (100, 0.5, 40, 61),
        (71, 0.95, 63, None),
        (72, 0.95, 64, 72),
        (35, 0.9, 28, None),
        (36, 0.9, 29, 36),
        (367, 0.99, 359, None),
        (368, 0.99, 360, 368),
    ],
)
def test_quantile_bounds_stand_at_the_ranks_of_the_binomial(
    n: int, q: float, low: float | None, high: float | None
) -> None:
    values = list(range(n, 0, -1))
    assert quantile_interval(values, q) == Interval(low=low, high=high)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (49, 50, 0.895, 0.996),
        (98, 100, 0.930, 0.994),
        (157, 160, 0.946, 0.994),
        (20, 20, 0.839, 1.0),
        (0, 20, 0.0, 0.161),
    ],
)
def test_wilson_intervals_are_the_published_ones(
    successes: int, n: int, low: float, high: float
) -> None:
    interval = wilson_interval(successes, n)
    assert interval.low == pytest.approx(low, abs=6e-4)
    assert interval.high == pytest.approx(high, abs=6e-4)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9, 0.95, 0.99])
def test_points_of_the_binomial_are_those_of_scipy(q: float) -> None:
    for n in (*range(1, 80), 997, 20_000, 1_000_000):
        for share in (0.025, 0.975):
            assert point(share, n, q) == stats.binom.ppf(share, n, q), (n, share)


def test_wilson_intervals_are_those_of_scipy() -> None:
    for n in (1, 2, 7, 50, 1_000):
        for successes in {0, 1, n // 2, n - 1, n}:
            judge = stats.binomtest(successes, n).proportion_ci(0.95, "wilson")
            found = wilson_interval(successes, n)
            assert (found.low, found.high) == pytest.approx(
                (judge.low, judge.high), abs=1e-14
            )


def test_no_trial_gives_no_bound() -> None:
    assert wilson_interval(0, 0) == Interval(low=None, high=None)


def test_a_side_that_always_takes_a_tenth_more_is_clearly_slower() -> None:
    pairs = {f"p{i}": [(float(i), i * 1.1)] for i in range(1, 13)}
    found = ratio_difference(pairs)
    assert found.estimate == pytest.approx(1.1)
    assert found.interval.low == pytest.approx(1.1)
    assert found.verdict is Verdict.DIFFERENT
    assert found.p == pytest.approx(2 / 2**12)


def test_prompts_that_pull_both_ways_give_no_clear_difference() -> None:
    pairs = {f"p{i}": [(10.0, 11.0 if i % 2 else 9.0)] for i in range(12)}
    found = ratio_difference(pairs)
    assert found.verdict is Verdict.NO_CLEAR_DIFFERENCE
    assert found.interval.covers(1.0)


def test_below_six_prompts_nothing_is_told_however_many_repeats() -> None:
    pairs = {f"p{i}": [(1.0, 2.0)] * 50 for i in range(5)}
    found = ratio_difference(pairs)
    assert found.verdict is Verdict.TOO_FEW_PROMPTS
    assert found.n_prompts == 5
    assert found.n_pairs == 250
    assert found.interval == Interval(low=None, high=None)
    assert found.estimate == pytest.approx(2.0)


def test_repeats_are_averaged_within_a_prompt_before_anything_else() -> None:
    # One prompt asked a thousand times weighs as much as one asked once.
    few = {f"p{i}": [(1.0, 1.2)] for i in range(7)}
    many = {**few, "p0": [(1.0, 1.2), (1.0, 1.2)] * 500}
    assert ratio_difference(many).estimate == ratio_difference(few).estimate
    assert mean_difference({"a": [(0, 1), (0, 3)], "b": [(0, 4)]}).estimate == 3.0


def test_the_same_pairs_always_give_the_same_interval() -> None:
    pairs = {f"p{i}": [(10.0, 10.0 + i)] for i in range(1, 9)}
    assert mean_difference(pairs) == mean_difference(pairs)


def test_equal_sides_are_no_clear_difference_even_without_any_spread() -> None:
    found = mean_difference({f"p{i}": [(1.0, 1.0)] for i in range(20)})
    assert found.verdict is Verdict.NO_CLEAR_DIFFERENCE
    assert found.interval == Interval(low=0.0, high=0.0)
    assert found.p == 1.0


def test_no_pairs_give_no_estimate() -> None:
    found = ratio_difference({})
    assert (found.estimate, found.p, found.n_prompts) == (None, None, 0)


def test_mcnemar_counts_only_pairs_that_differ() -> None:
    # Six against none: 2 x (1/2)^6 by hand.
    assert mcnemar_p([(True, False)] * 6) == pytest.approx(2 / 64)
    assert mcnemar_p([(True, False)] * 6 + [(True, True)] * 90) == pytest.approx(2 / 64)
    assert mcnemar_p([(True, True)] * 9) == 1.0


@given(st.lists(st.floats(0.1, 1e4), min_size=6, max_size=80))
def test_a_median_lies_within_its_interval(values: list[float]) -> None:
    interval = quantile_interval(values, 0.5)
    middle = sorted(values)[len(values) // 2]
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= middle <= interval.high


def test_swapping_the_sides_turns_the_ratio_over() -> None:
    pairs = {f"p{i}": [(8.0 + i, 9.0 + i * i / 9)] for i in range(11)}
    turned = {name: [(b, a) for a, b in found] for name, found in pairs.items()}
    there, back = ratio_difference(pairs), ratio_difference(turned)
    assert there.estimate is not None
    assert back.estimate is not None
    assert math.isclose(there.estimate, 1 / back.estimate)


@pytest.mark.parametrize("n", [6, 9, 11])
def test_the_signed_rank_test_with_ties_equals_all_permutations(n: int) -> None:
    chance = random.Random(n)
    for _ in range(3):
        values = [round(chance.gauss(0.3, 1), 1) or 0.1 for _ in range(n)]
        values[0] = -values[1]
        every_sign: Any = stats.PermutationMethod(n_resamples=2**n)
        found: Any = stats.wilcoxon(values, method=every_sign)
        assert bench.stats._wilcoxon(values) == pytest.approx(found.pvalue)


def test_dollars_a_unit_lie_within_their_interval_however_unequal_the_prompts() -> None:
    sums = [(100.0, 100, 200.0, 100), *[(1.0, 1, 1.0, 1)] * 6]
    found = unit_difference(sums, 106)
    assert found.estimate == pytest.approx(100 / 106)
    assert found.interval.low == 0
    assert found.interval.high is not None
    assert found.interval.high >= 100 / 106
    assert found.verdict is Verdict.NO_CLEAR_DIFFERENCE


def test_a_step_that_is_the_same_for_every_prompt_has_no_width() -> None:
    sums = [(0.0423 * n, n, 0.02115 * n, n) for n in range(1, 9)]
    found = unit_difference(sums, 36)
    assert found.estimate == found.interval.low == found.interval.high == -0.02115
    assert found.verdict is Verdict.DIFFERENT


def test_the_interval_of_a_unit_is_that_of_plain_resampling() -> None:
    chance = np.random.default_rng(3)
    table = chance.uniform(1, 3, (12, 4)) * [1, 0, 1, 0] + [0, 4, 0, 4]
    drawn = table[chance.integers(0, 12, (20_000, 12))].sum(axis=1)
    steps = drawn[:, 2] / drawn[:, 3] - drawn[:, 0] / drawn[:, 1]
    low, high = np.quantile(steps, [0.025, 0.975])
    sums = [(float(a), int(b), float(c), int(d)) for a, b, c, d in table]
    interval = unit_difference(sums, 48).interval
    assert interval.low == pytest.approx(low, abs=0.01)
    assert interval.high == pytest.approx(high, abs=0.01)


def test_success_is_not_told_apart_against_its_own_test() -> None:
    outcomes = [(True, number > 3) for number in range(6)]
    pairs = {str(i): [(1.0, float(two))] for i, (_, two) in enumerate(outcomes)}
    p = mcnemar_p(outcomes)
    assert p == 0.125
    found = mean_difference(pairs, p)
    assert not found.interval.covers(0)
    assert found.verdict is Verdict.NO_CLEAR_DIFFERENCE
