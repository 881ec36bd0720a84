"""Schedules: instants by the model, exact and without drift."""

import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadInput
from bench.load.model import Constant, Poisson, Ramp, Rate, parse_goal, parse_load
from bench.load.schedule import due_offsets_s

RATES = st.decimals("0.1", "1000", places=1)


def _first(load: Constant | Poisson | Ramp, n: int, seed: int = 1) -> list[float]:
    return list(itertools.islice(due_offsets_s(load, seed), n))


def _per_s(n: Decimal) -> Rate:
    return Rate(n=n, unit="s")


@settings(deadline=None, max_examples=30)
@given(RATES, st.integers(0, 100_000))
def test_a_constant_schedule_does_not_drift_however_long_it_is(
    rate: Decimal, number: int
) -> None:
    load = Constant(rate=Rate(n=rate, unit="min"))
    offset_s = next(itertools.islice(due_offsets_s(load, 1), number, None))
    exact_s = Decimal(number) * 60 / rate
    assert abs(Decimal(offset_s) - exact_s) <= exact_s * Decimal("1e-14")


@settings(max_examples=25, deadline=None)
@given(RATES, st.integers(0, 2**31))
def test_poisson_gaps_have_the_mean_and_the_spread_of_their_rate(
    rate: Decimal, seed: int
) -> None:
    n = 4000
    offsets = _first(Poisson(rate=_per_s(rate)), n, seed)
    gaps = [b - a for a, b in itertools.pairwise([0.0, *offsets])]
    mean_s = math.fsum(gaps) / n
    assert min(gaps) >= 0
    # Six standard errors: one of 25 examples in a hundred million fails by chance.
    assert abs(mean_s * float(rate) - 1) < 6 / math.sqrt(n)
    variance = math.fsum((gap - mean_s) ** 2 for gap in gaps) / n
    assert 0.6 < math.sqrt(variance) / mean_s < 1.4


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    load = Poisson(rate=_per_s(Decimal(5)))
    assert _first(load, 100, 7) == _first(load, 100, 7)
    assert _first(load, 100, 7) != _first(load, 100, 8)


@settings(deadline=None)
@given(RATES, RATES, st.decimals("0.5", "600", places=1))
def test_a_ramp_offers_the_area_under_its_rate(
    begin: Decimal, end: Decimal, over_s: Decimal
) -> None:
    load = Ramp(begin=_per_s(begin), end=_per_s(end), over_s=over_s)
    low, high, length_s = float(begin), float(end), float(over_s)
    for number, t in enumerate(_first(load, 500)):
        on_ramp = min(t, length_s)
        area = low * on_ramp + (high - low) * on_ramp**2 / (2 * length_s)
        area += high * max(0.0, t - length_s)
        assert area == pytest.approx(number, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["closed", "constant:5/s", "poisson:300/min", "ramp:1/s-10/s:60", "constant:0.5/s"],
)
def test_a_load_is_read_as_it_is_written(text: str) -> None:
    assert str(parse_load(text)) == text


def test_the_first_rate_of_a_ramp_may_leave_its_unit_to_the_last() -> None:
    assert str(parse_load("ramp:1-10/s:60s")) == "ramp:1/s-10/s:60"


@pytest.mark.parametrize(
    "text",
    [
        *("", "open", "constant", "constant:5", "constant:0/s", "constant:-1/s"),
        *("constant:5/h", "poisson:1e3/s", "constant:99999/s", "ramp:1/s-10/s"),
        *("ramp:0/s-10/s:60", "ramp:1/s-10/s:0", "closed:5/s", "constant:nan/s"),
    ],
)
def test_what_is_no_load_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(BadInput, match=r"^--load: "):
        parse_load(text)


@pytest.mark.parametrize(
    ("text", "limit_s"), [("p95<5s", 5), ("p95 < 800ms", 0.8), ("p95<0.5s", 0.5)]
)
def test_a_goal_is_a_limit_in_seconds(text: str, limit_s: float) -> None:
    assert parse_goal(text).limit_s == limit_s


@pytest.mark.parametrize("text", ["p95", "p99<5s", "p95<0s", "p95>5s", "p95<5", "5s"])
def test_what_is_no_goal_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(BadInput, match=r"^--find-rate: "):
        parse_goal(text)
