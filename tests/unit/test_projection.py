"""Projection: the guides' example, and what the token prices say beside it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import BadQuantity
from pricing.money import usd, usd_text
from pricing.projection import UnitCost, monthly
from pricing.question import answer

LAUNCH = {"mode": "per_image", "provider": "launch-2025", "quality": "medium"}
TOKENS = {
    "mode": "estimate",
    "model": "gpt-image-1",
    "quality": "medium",
    "size": "1024x1024",
    "as_of": "2025-06-01",
}
PROMPT = {
    "usage": {
        "input_text_tokens": 60,
        "cached_text_tokens": 0,
        "input_image_tokens": 0,
    }
}


def _unit(question: dict[str, object]) -> UnitCost:
    return UnitCost(usd=usd(str(answer(question)["usd"])))


@pytest.mark.parametrize(
    ("question", "direct", "gateway", "saving", "year"),
    [
        (LAUNCH, "700", "350", "350", "4200"),
        (TOKENS, "422.4", "211.2", "211.2", "2534.4"),
        (TOKENS | PROMPT, "425.4", "212.7", "212.7", "2552.4"),
    ],
)
def test_10_000_medium_images_at_half_price(
    question: dict[str, object], direct: str, gateway: str, saving: str, year: str
) -> None:
    half = _unit(question | {"multiplier": "0.5"})
    found = monthly(10_000, _unit(question), half)
    assert usd_text(found.direct_usd) == direct
    assert usd_text(found.alternative_usd) == gateway
    assert usd_text(found.saving_usd) == saving
    assert usd_text(found.saving_year_usd) == year
    assert found.saving_share == Decimal("0.5")


def test_a_flat_gateway_can_cost_more_than_direct() -> None:
    low = UnitCost(usd=usd("0.00588"))
    flat = UnitCost(usd=usd("0.03"))
    found = monthly(1000, low, flat)
    assert usd_text(found.saving_usd) == "-24.12"
    assert found.saving_share is not None
    assert found.saving_share < -4


def test_the_interval_of_a_saving_takes_the_worst_of_both_sides() -> None:
    direct = UnitCost(usd=usd("0.05"), usd_low=usd("0.04"), usd_high=usd("0.07"), n=30)
    other = UnitCost(usd=usd("0.03"), usd_low=usd("0.02"), usd_high=usd("0.05"), n=30)
    found = monthly(100, direct, other)
    assert usd_text(found.saving_low_usd) == "-1"
    assert usd_text(found.saving_usd) == "2"
    assert usd_text(found.saving_high_usd) == "5"


def test_nothing_spent_directly_has_no_saving_share() -> None:
    free = UnitCost(usd=Decimal(0))
    assert monthly(10, free, UnitCost(usd=usd("0.03"))).saving_share is None


def test_bad_volumes_and_intervals_are_refused() -> None:
    cost = UnitCost(usd=usd("0.05"))
    with pytest.raises(BadQuantity):
        monthly(-1, cost, cost)
    with pytest.raises(BadQuantity):
        UnitCost(usd=usd("0.05"), usd_low=usd("0.04"))
    with pytest.raises(BadQuantity):
        UnitCost(usd=usd("0.05"), usd_low=usd("0.06"), usd_high=usd("0.07"))


AMOUNTS = st.decimals(0, 10, places=12)


@given(st.integers(0, 10**9), AMOUNTS, AMOUNTS)
def test_direct_less_alternative_is_the_saving(
    images: int, direct: Decimal, alternative: Decimal
) -> None:
    found = monthly(images, UnitCost(usd=direct), UnitCost(usd=alternative))
    assert found.direct_usd - found.alternative_usd == found.saving_usd
    assert found.saving_low_usd == found.saving_usd == found.saving_high_usd
