"""Unit cost: what a usable picture cost, and how sure its band is."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.studies.resampling import Draws
from bench.studies.unit_cost import Measured, measure

Row = dict[str, Any]
ONE = Decimal("0.04")


def _row(prompt: int, **changes: Any) -> Row:
    return {
        "run_id": "r",
        "prompt_id": f"p{prompt}",
        "prompt_digest": f"d{prompt}",
        "repeat": 1,
        "endpoint": "direct",
        "route": "direct",
        "model": "m",
        "quality": "low",
        "size": "1024x1024",
        "parameters": "{}",
        "simulated": False,
        "from_cache": False,
        "warmup": False,
        "bucket": "done",
        "outcome": "ok",
        "images": 1,
        "charge_usd": ONE,
        "possibly_billed_usd": Decimal(0),
        "charge_unknown": False,
        **changes,
    }


def _rows(n: int, cost: Callable[[int], Decimal], **changes: Any) -> list[Row]:
    return [_row(i, charge_usd=cost(i), **changes) for i in range(n)]


def _one(rows: list[Row]) -> Measured:
    (found,) = measure(rows)
    return found


def _spread(seed: int) -> Callable[[int], Decimal]:
    chance = random.Random(seed)
    costs = [Decimal(chance.randint(10**9, 9 * 10**11)).scaleb(-13) for _ in range(99)]
    return lambda i: round(costs[i], 12)


def test_money_of_failed_and_repeated_requests_is_in_the_cost() -> None:
    rows = [
        _row(0, charge_usd=Decimal("0.10")),  # ok after a billed repeat
        _row(1, outcome="unusable", bucket="failed", images=0),
        _row(2, outcome="refused", images=0, charge_usd=None),
        _row(3, images=3),
    ]
    found = _one(rows)
    assert found.unit
    assert found.unit.usd == (Decimal("0.10") + ONE + ONE) / 4
    assert (found.unit.n, found.n_trials, found.n_prompts) == (4, 4, 4)


def test_a_picture_of_unknown_price_is_in_neither_sum_and_named_beside() -> None:
    bound = Decimal("0.21")
    unknown = {"charge_usd": None, "charge_unknown": True, "possibly_billed_usd": bound}
    found = _one([_row(0), _row(1, **unknown), _row(2, outcome="lost", **unknown)])
    assert found.unit
    assert (found.unit.usd, found.unit.n) == (ONE, 1)
    assert (found.n_charge_unknown, found.possibly_billed_usd) == (2, 2 * bound)


def test_trials_that_were_not_sent_or_came_from_a_cache_measure_nothing() -> None:
    rows = [_row(0), _row(1, bucket="not_sent", outcome=None, images=None)]
    rows.append(_row(2, from_cache=True, charge_usd=Decimal(0)))
    found = _one(rows)
    assert found.unit
    assert (found.unit.usd, found.n_trials) == (ONE, 1)


def test_without_a_usable_picture_there_is_no_cost_and_never_0() -> None:
    found = _one([_row(0, outcome="unusable", images=0)])
    assert found.unit is None
    assert found.charge_usd == ONE
    assert found.why_no_band == "no usable picture of known price"


@pytest.mark.parametrize(("n", "why"), [(5, "n=5 prompts; a band needs 6"), (6, None)])
def test_fewer_than_six_prompts_give_no_band(n: int, why: str | None) -> None:
    found = _one(_rows(n, _spread(1)))
    assert found.unit
    assert found.why_no_band == why
    assert (found.unit.usd_low is None) == (why is not None)


def test_repeats_of_a_prompt_are_no_prompts_of_their_own() -> None:
    rows = [_row(i % 5, repeat=i) for i in range(50)]
    assert _one(rows).why_no_band == "n=5 prompts; a band needs 6"


def test_the_band_agrees_with_scipys_bootstrap_of_the_same_ratio() -> None:
    cost = _spread(2)
    rows = _rows(40, cost)
    for row in rows[::4]:
        row.update(outcome="unusable", images=0)
    found = _one(rows)
    assert found.unit
    charges = np.array([float(row["charge_usd"]) for row in rows])
    images = np.array([row["images"] for row in rows], dtype=float)
    theirs = stats.bootstrap(
        (charges, images),
        lambda usd, n, axis: usd.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=0.9,
        n_resamples=9_999,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert float(found.unit.low) == pytest.approx(theirs.low, rel=0.02)
    assert float(found.unit.high) == pytest.approx(theirs.high, rel=0.02)
    assert found.unit.median_usd is not None
    assert float(found.unit.median_usd) == pytest.approx(
        float(found.unit.usd), rel=0.02
    )


def test_the_band_covers_the_true_cost_about_nine_times_in_ten() -> None:
    chance = random.Random(11)
    covered = 0
    for _ in range(150):
        costs = [round(Decimal(chance.lognormvariate(-3, 0.5)), 12) for _ in range(40)]
        found = _one(_rows(40, costs.__getitem__))
        assert found.unit
        true = np.exp(-3 + 0.125)
        covered += float(found.unit.low) <= true <= float(found.unit.high)
    # Binomial(150, 0.9) lies here but for once in some thousand; a little less is
    # usual for a percentile bootstrap of 40 skewed values.
    assert 118 <= covered <= 148


def test_the_same_rows_in_another_order_give_the_same_figures() -> None:
    rows = _rows(12, _spread(3))
    mixed = random.Random(4).sample(rows, len(rows))
    assert _one(rows).unit == _one(mixed).unit


def test_a_difference_is_paired_by_prompt() -> None:
    cost = _spread(5)
    gateway = {"endpoint": "gw", "route": "gateway"}
    rows = [*_rows(20, cost), *_rows(20, lambda i: cost(i) + ONE, **gateway)]
    direct, dearer = measure(rows)
    assert direct.unit
    assert direct.unit.low < direct.unit.high
    # However much prompts differ, every one of them is dearer by the same.
    band = direct.draws.less(dearer.draws).band(-ONE)
    assert band
    assert (band.low_usd, band.high_usd) == (-ONE, -ONE)


def test_two_runs_of_the_same_prompts_are_paired_and_of_others_not() -> None:
    cost = _spread(6)
    first, again = _one(_rows(20, cost)), _one(_rows(20, cost))
    others = _one([_row(i + 50, charge_usd=cost(i)) for i in range(20)])
    same = first.draws.less(again.draws).band(Decimal(0))
    apart = first.draws.less(others.draws).band(Decimal(0))
    assert same
    assert apart
    assert same.low_usd == same.high_usd == 0
    assert apart.low_usd < 0 < apart.high_usd


def test_where_a_resample_holds_no_usable_picture_there_is_no_band() -> None:
    rows = [_row(0), *(_row(i, outcome="unusable", images=0) for i in range(1, 8))]
    found = _one(rows)
    assert found.unit
    assert found.unit.usd == 8 * ONE
    assert found.unit.usd_low is None
    assert found.why_no_band == "too few prompts gave a usable picture"


def test_sums_beyond_64_bits_stay_exact() -> None:
    huge = Decimal("99999999999.000000000001")
    found = _one(_rows(8, lambda _: huge))
    assert found.unit
    assert found.unit.usd == found.unit.low == found.unit.high == huge


def test_a_given_price_has_no_band() -> None:
    assert Draws(constant_usd=ONE).band(ONE) is None


def test_variants_and_endpoints_stand_in_the_order_of_reading() -> None:
    gateway = {"endpoint": "agw", "route": "gateway", "charge_usd": ONE / 2}
    rows = [
        _row(0, quality="medium", charge_usd=2 * ONE),
        _row(0, **gateway),
        _row(0),
        _row(0, quality=None, size=None),
    ]
    found = [(one.variant, one.endpoint) for one in measure(rows)]
    assert found == [
        (("m", "low", "1024x1024", ""), "direct"),
        (("m", "low", "1024x1024", ""), "agw"),
        (("m", "medium", "1024x1024", ""), "direct"),
        (("m", "not sent", "not sent", ""), "direct"),
    ]


def test_unlike_requests_are_not_averaged() -> None:
    by_tool = {"api": "responses", "mainline_model": "gpt-5-nano"}
    rows = [
        _row(0),
        _row(0, operation="edit", charge_usd=2 * ONE),
        _row(0, **by_tool, charge_usd=3 * ONE),
        _row(0, parameters='{"output_format": "webp"}', charge_usd=4 * ONE),
    ]
    found = {one.variant[3]: one.unit and one.unit.usd for one in measure(rows)}
    assert found == {
        "": ONE,
        "edit": 2 * ONE,
        "Responses API with gpt-5-nano": 3 * ONE,
        "output_format=webp": 4 * ONE,
    }
