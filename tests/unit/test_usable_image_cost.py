"""Cost of a usable picture: failures, cache and batch, worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.assumption import Assumption, Unit
from pricing.breakeven import Crossing, break_even, payback_month, spread_fees_usd
from pricing.demand import Demand, listed_key, season_key
from pricing.errors import BadQuantity
from pricing.failures import Failures
from pricing.recipe import FailureKeys, PartKeys, Recipe
from pricing.sensitivity import Knob, Result, knobs, medium_knob, ranked


def _d(text: str) -> Decimal:
    return Decimal(text)


def _values(**texts: str) -> dict[str, Decimal]:
    return {key: Decimal(text) for key, text in texts.items()}


def test_billed_pictures_of_a_hundred_requests_are_shared_among_the_usable() -> None:
    # Of 100 requests 10 are unusable and billed, 4 refused (a quarter billed), 6
    # failed (half billed): 80 usable; 80 + 10 + 1 + 3 = 94 billed.
    found = Failures(
        unusable_share=_d("0.10"),
        refused_share=_d("0.04"),
        retried_share=_d("0.06"),
        refused_billed_share=_d("0.25"),
        retried_billed_share=_d("0.5"),
    )
    assert found.usable_share == _d("0.8")
    assert found.pictures_billed == _d("1.175")
    assert Failures().pictures_billed == 1
    # What fails and is not billed costs time and no money.
    assert Failures(retried_share=_d("0.5")).pictures_billed == 1


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_billed_a_usable_one_is_the_count_of_billed_over_that_of_usable(
    good: int, unusable: int, refused: int, billed: int
) -> None:
    n = good + unusable + refused
    billed = min(billed, refused)
    shares = Failures(
        unusable_share=Decimal(unusable) / n,
        refused_share=Decimal(refused) / n,
        refused_billed_share=Decimal(billed) / refused if refused else Decimal(0),
    )
    expected = Decimal(good + unusable + billed) / good
    assert abs(shares.pictures_billed - expected) < _d("1e-20")


def test_failures_that_leave_nothing_usable_are_refused() -> None:
    with pytest.raises(BadQuantity, match="no request"):
        Failures(unusable_share=_d("0.6"), refused_share=_d("0.4"))
    with pytest.raises(BadQuantity, match="retried_share must lie from 0 to 1"):
        Failures(retried_share=_d("-0.1"))


RECIPE = Recipe(
    name="a",
    parts=(
        PartKeys(share="s1", usd="p1", batch_usd="b1"),
        PartKeys(share="s2", usd="p2", batch_usd="b2"),
    ),
    factors=("f",),
    failures=FailureKeys(
        unusable="u", refused="r", retried="t", refused_billed="rb", retried_billed="tb"
    ),
    cache_hit="h",
    batch="bs",
    monthly_fee="fee",
    setup="setup",
)
VALUES = _values(
    s1="0.75", p1="0.04", b1="0.02", s2="0.25", p2="0.16", b2="0.08",
    f="0.5", u="0.1", r="0.04", t="0.06", rb="0.25", tb="0.5",
    h="0.2", bs="0.5", fee="10", setup="30",
)  # fmt: skip


def test_a_usable_picture_costs_mix_times_factor_times_failures_less_cache() -> None:
    # Half in batch: 0.03 and 0.12; mixed 0.0225 + 0.03 = 0.0525; half of it 0.02625;
    # 1.175 billed a usable one; a fifth comes from the cache.
    assert RECIPE.made_usd(VALUES) == _d("0.02625")
    assert RECIPE.overhead(VALUES) == _d("0.94")
    assert RECIPE.unit_usd(VALUES) == _d("0.024675")


def test_counts_mix_like_shares_and_the_cost_is_rounded_once_half_even() -> None:
    counted = {**VALUES, "s1": _d("3"), "s2": _d("1")}
    assert RECIPE.unit_usd(counted) == _d("0.024675")
    thirds = Recipe(
        name="x",
        parts=(PartKeys(share="a", usd="p"), PartKeys(share="b", usd="q")),
    )
    values = _values(a="1", b="2", p="0.01", q="0.02")
    assert thirds.unit_usd(values) == _d("0.016666666667")


def test_a_season_lies_on_top_of_compound_growth_in_its_calendar_month() -> None:
    demand = Demand(months=4, start=date(2026, 11, 1), has_seasons=True)
    seasons = {season_key(k): _d("1") for k in range(1, 13)}
    seasons |= {season_key(12): _d("2"), season_key(1): _d("0.5")}
    values = {"images": _d("1000"), "growth": _d("0.1"), **seasons}
    # 1000; 1100 x 2; 1210 x 0.5; 1331.
    assert demand.images(values) == (1000, 2200, 605, 1331)
    assert [day.isoformat() for day in demand.calendar()] == [
        "2026-11-01",
        "2026-12-01",
        "2027-01-01",
        "2027-02-01",
    ]
    plain = Demand(months=2, start=date(2026, 12, 1))
    assert plain.images({"images": _d("7"), "growth": _d("0")}) == (7, 7)
    listed = Demand(months=2, is_listed=True)
    assert listed.images({listed_key(1): _d("5"), listed_key(2): _d("0")}) == (5, 0)


@pytest.mark.parametrize(
    ("slope", "fees", "crossing", "images", "spend"),
    [
        # 0.01 saved an image, 20 a month more: equal at 2,000, less from 2,001 on.
        ("0.01", "20", Crossing.FROM, 2001, "145.07"),
        # Equal at a half picture: told is what the one picture costs.
        ("2", "1", Crossing.FROM, 1, "5.07"),
        ("0.03", "1", Crossing.FROM, 34, None),
        ("0.01", "0", Crossing.ALWAYS, None, None),
        ("0.01", "-5", Crossing.ALWAYS, None, None),
        ("-0.01", "0", Crossing.NEVER, None, None),
        ("-0.01", "5", Crossing.NEVER, None, None),
        # Dearer an image, but 5 a month less: equal at 500, less up to 499.
        ("-0.01", "-5", Crossing.UP_TO, 499, "39.93"),
        ("-0.03", "-1", Crossing.UP_TO, 33, None),
        ("-0.01", "-0.005", Crossing.NEVER, None, None),
        ("0", "0", Crossing.SAME, None, None),
        ("0", "1", Crossing.NEVER, None, None),
        ("0", "-1", Crossing.ALWAYS, None, None),
    ],
)
def test_the_break_even_is_the_first_whole_volume_that_costs_less(
    slope: str, fees: str, crossing: Crossing, images: int | None, spend: str | None
) -> None:
    # The other costs 0.07 an image and 5 a month.
    found = break_even(_d(slope), _d(fees), (_d("0.07"), _d("5")))
    assert (found.crossing, found.images) == (crossing, images)
    if spend is not None:
        assert found.spend_usd == _d(spend)


@given(
    st.decimals("-1", "1", places=6),
    st.decimals("-100", "100", places=4),
    st.integers(1, 10**6),
)
def test_a_volume_costs_less_exactly_where_the_break_even_says_so(
    slope: Decimal, fees: Decimal, volume: int
) -> None:
    found = break_even(slope, fees, (Decimal(1), Decimal(0)))
    says = {
        Crossing.ALWAYS: True,
        Crossing.NEVER: False,
        Crossing.SAME: False,
        Crossing.FROM: volume >= (found.images or 0),
        Crossing.UP_TO: volume <= (found.images or 0),
    }[found.crossing]
    assert says == (volume * slope > fees)


def test_a_set_up_is_spread_over_months_and_paid_back_when_it_stays_so() -> None:
    assert spread_fees_usd(_d("20"), _d("240"), 24) == 30
    assert payback_month((_d("-5"), _d("1"), _d("-1"), _d("2"), _d("4"))) == 4
    assert payback_month((_d("1"), _d("2"))) == 1
    assert payback_month((_d("-2"), _d("0"))) is None


def _assumed(key: str, value: str, unit: Unit, **more: object) -> Assumption:
    return Assumption(
        key=key,
        what=key,
        value=Decimal(value),
        unit=unit,
        source="x",
        group=key,
        **more,  # pyright: ignore[reportArgumentType]
    )


def test_each_assumption_moves_by_a_tenth_or_over_its_own_range_widest_first() -> None:
    way = Recipe(
        name="a", parts=(PartKeys(share="s", usd="p"),), cache_hit="h", setup="setup"
    )
    other = Recipe(name="b", parts=(PartKeys(share="s", usd="q"),))
    assumed = [
        _assumed("images", "100", Unit.IMAGES),
        _assumed("p", "2", Unit.USD),
        _assumed("q", "1", Unit.USD, low=_d("0.5"), high=_d("3"), reach="90% band"),
        _assumed("h", "0.95", Unit.SHARE),
        _assumed("setup", "0", Unit.USD),
    ]
    values = {one.key: one.value for one in assumed} | _values(growth="0", s="1")
    result = Result(demand=Demand(months=2), cost_of=way, less=other)
    # 200 images: 200 x 2 x 0.05 - 200 x 1.
    assert result.usd(values) == -180
    found = {o.what: o for o in ranked(result, values, knobs(assumed))}
    assert list(found) == ["q", "h", "images", "p"]
    assert (found["q"].low_usd, found["q"].high_usd) == (-80, -580)
    assert found["q"].reach == "90% band"
    # A share is never moved above 1: 0.855 and 1.
    assert (found["h"].low_usd, found["h"].high_usd) == (-142, -200)
    assert (found["images"].low_usd, found["images"].high_usd) == (-162, -198)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (_values(growth="-0.95", images="100"), "growth"),
        (_values(growth="0", images="950000000000"), "images"),
    ],
)
def test_an_end_that_no_projection_can_have_is_left_where_it_is_assumed(
    values: dict[str, Decimal], what: str
) -> None:
    way = Recipe(name="a", parts=(PartKeys(share="s", usd="p"),))
    result = Result(demand=Demand(months=3), cost_of=way)
    assumed = [_assumed(what, str(values[what]), Unit.GROWTH)]
    values = {**values, **_values(s="1", p="2")}
    (found,) = ranked(result, values, knobs(assumed))
    assert found.reach == "±10%, low end alone"
    assert found.low_usd != found.high_usd == result.usd(values)


def test_only_what_a_cost_is_made_of_is_varied() -> None:
    way = Recipe(
        name="a",
        parts=(PartKeys(share="s", usd="p", batch_usd="pb"),),
        factors=("f",),
        failures=FailureKeys(
            unusable="u",
            refused="r",
            retried="t",
            refused_billed="rb",
            retried_billed="tb",
        ),
        cache_hit="h",
        batch="b",
        monthly_fee="m",
        setup="o",
    )
    assert way.keys == {*"spfhbmo", "u", "r", "t", "pb", "rb", "tb"}
    assert Demand(months=2).keys == {"images", "growth"}
    listed = Demand(months=2, is_listed=True)
    assert listed.keys == {listed_key(1), listed_key(2)}
    seasons = Demand(months=2, start=date(2026, 12, 1), has_seasons=True)
    assert seasons.keys == {"images", "growth", season_key(12), season_key(1)}


def test_rates_of_medium_confidence_move_together_and_alone() -> None:
    assumed = [
        _assumed("p", "2", Unit.USD, medium_usd=_d("1")),
        _assumed("q", "3", Unit.USD),
    ]
    knob = medium_knob(assumed, _d("0.1"))
    assert knob == Knob(
        what="rates of medium confidence",
        reach="±10%",
        low={"p": _d("1.9")},
        high={"p": _d("2.1")},
    )
    assert medium_knob(assumed[1:], _d("0.1")) is None
