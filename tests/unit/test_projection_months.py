"""Months: volumes, costs and savings of a projection, exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.demand import volumes
from pricing.errors import BadQuantity
from pricing.projection import (
    Alternative,
    Band,
    Banded,
    Direction,
    UnitCost,
    course,
    saving,
)

AMOUNTS = st.decimals(0, 10, places=12)
VOLUMES = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


def _way(name: str, usd: str, fee: str = "0", setup: str = "0") -> Alternative:
    return Alternative(
        name=name,
        unit=UnitCost(usd=Decimal(usd)),
        monthly_fee_usd=Decimal(fee),
        setup_usd=Decimal(setup),
    )


def test_without_growth_every_month_is_the_first() -> None:
    assert volumes(10_000, 3, Decimal(0)) == (10_000, 10_000, 10_000)


def test_growth_compounds_and_each_month_is_rounded_half_even_by_itself() -> None:
    # 50 * 1.05 = 52.5, 55.125, 57.88...: 52.5 goes to the even 52.
    assert volumes(50, 4, Decimal("0.05")) == (50, 52, 55, 58)
    assert volumes(100, 3, Decimal("-0.5")) == (100, 50, 25)


@pytest.mark.parametrize(
    ("first", "months", "growth", "words"),
    [
        (-1, 1, "0", "can't be negative"),
        (1, 0, "0", "months must be 1 to 120"),
        (1, 121, "0", "months must be 1 to 120"),
        (1, 2, "-1", "above -100%"),
        (10**9, 60, "9", "month 5 above"),
    ],
)
def test_volumes_that_can_not_be_meant_are_refused(
    first: int, months: int, growth: str, words: str
) -> None:
    with pytest.raises(BadQuantity, match=words):
        volumes(first, months, Decimal(growth))


def test_fees_come_every_month_and_the_set_up_once() -> None:
    found = course(_way("gateway", "0.03", fee="20", setup="150"), (1000,) * 12)
    assert found.costs_usd == (Decimal(200), *(Decimal(50),) * 11)
    assert found.cumulative_usd[-1] == Decimal(750)
    assert found.month.usd == Decimal(50)
    assert found.first_year
    assert found.first_year.usd == found.whole.usd == Decimal(750)


def test_a_projection_below_twelve_months_has_no_first_year() -> None:
    assert course(_way("direct", "0.07"), (10,) * 11).first_year is None


def test_the_band_of_a_cost_is_its_unit_band_times_the_volume_and_the_fees() -> None:
    unit = UnitCost(
        usd=Decimal("0.05"), usd_low=Decimal("0.04"), usd_high=Decimal("0.07"), n=9
    )
    way = Alternative(name="direct", unit=unit, monthly_fee_usd=Decimal(10))
    found = course(way, (100, 200))
    assert found.month.band == Band(low_usd=Decimal(14), high_usd=Decimal(17))
    assert found.whole.band == Band(low_usd=Decimal(32), high_usd=Decimal(41))


def test_a_flat_gateway_that_is_dearer_saves_less_than_nothing() -> None:
    months = (1000,) * 12
    found = saving(
        course(_way("direct", "0.00588"), months),
        course(_way("gateway", "0.03"), months),
    )
    assert found.month == Banded(usd=Decimal("-24.12"))
    assert found.month.direction is Direction.MORE
    assert found.share is not None
    assert found.share < -4


def test_the_band_of_a_saving_carries_volume_and_fees() -> None:
    months = (1000,) * 2
    found = saving(
        course(_way("direct", "0.05"), months),
        course(_way("gateway", "0.03", fee="5", setup="7"), months),
        Band(low_usd=Decimal("0.01"), high_usd=Decimal("0.03")),
    )
    assert found.month.band == Band(low_usd=Decimal(5), high_usd=Decimal(25))
    assert found.whole.band == Band(low_usd=Decimal(3), high_usd=Decimal(43))


@pytest.mark.parametrize(
    ("usd", "band", "direction"),
    [
        ("1", None, Direction.LESS),
        ("-1", None, Direction.MORE),
        ("0", None, Direction.SAME),
        ("1", ("0.5", "2"), Direction.LESS),
        ("1", ("-0.5", "2"), Direction.NO_CLEAR_DIFFERENCE),
        ("1", ("0", "2"), Direction.NO_CLEAR_DIFFERENCE),
        ("0", ("-1", "2"), Direction.NO_CLEAR_DIFFERENCE),
        ("-1", ("-2", "-0.5"), Direction.MORE),
        ("0", ("0", "0"), Direction.SAME),
    ],
)
def test_a_saving_whose_band_covers_nothing_points_nowhere(
    usd: str, band: tuple[str, str] | None, direction: Direction
) -> None:
    found = band and Band(low_usd=Decimal(band[0]), high_usd=Decimal(band[1]))
    assert Banded(usd=Decimal(usd), band=found or None).direction is direction


def test_a_band_with_its_ends_crossed_is_refused() -> None:
    with pytest.raises(BadQuantity):
        Band(low_usd=Decimal(2), high_usd=Decimal(1))


@given(VOLUMES, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_months_sum_to_the_whole_and_savings_are_the_differences(
    months: list[int], one: Decimal, other: Decimal, fee: Decimal, setup: Decimal
) -> None:
    first = course(Alternative(name="a", unit=UnitCost(usd=one)), months)
    second = course(
        Alternative(
            name="b",
            unit=UnitCost(usd=other),
            monthly_fee_usd=fee,
            setup_usd=setup,
        ),
        months,
    )
    found = saving(first, second)
    assert sum(first.costs_usd) == first.cumulative_usd[-1] == first.whole.usd
    assert second.whole.usd == other * sum(months) + fee * len(months) + setup
    assert found.whole.usd == first.whole.usd - second.whole.usd
    assert found.cumulative_usd[-1] == found.whole.usd
