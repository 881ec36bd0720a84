"""Our books against genai-prices: equal, or different for a reason that is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from pricing.book import shipped_book
from pricing.rates import RateCard, TokenClass
from tests.machine import lacking

DAY = date(2026, 11, 21)
# Where the same model stands in theirs; they have no batch tier.
PROVIDERS = {"openai": "openai", "google": "google"}
FIELDS = {
    TokenClass.INPUT_TEXT: "input_mtok",
    TokenClass.CACHED_TEXT: "cache_read_mtok",
    TokenClass.INPUT_IMAGE: "input_image_mtok",
    TokenClass.CACHED_IMAGE: "cache_image_read_mtok",
    TokenClass.OUTPUT_IMAGE: "output_image_mtok",
    TokenClass.OUTPUT_TEXT: "output_mtok",
    TokenClass.MAINLINE_INPUT: "input_mtok",
    TokenClass.MAINLINE_CACHED: "cache_read_mtok",
    TokenClass.MAINLINE_CACHE_WRITE: "cache_write_mtok",
    TokenClass.MAINLINE_OUTPUT: "output_mtok",
}
Key = tuple[str, str, str]
_OUT = "they have one output rate, and it is that of pictures: the model writes no text"
_IN = "they have one input rate, which Google asks for text and pictures alike"
_DEAD = "they keep the last price of a model that can't be called any more"
_WHY: dict[Key, str] = {
    **{
        ("openai", model, "output_image"): _OUT
        for model in (
            *("gpt-image-1-mini", "gpt-image-2"),
            *("gpt-image-2.5-flare", "gpt-image-2.5-sunburst"),
        )
    },
    **{
        ("google", model, "input_image"): _IN
        for model in (
            *("gemini-2.5-flash-image", "gemini-3-pro-image"),
            *("gemini-3.1-flash-image", "gemini-3.1-flash-lite-image"),
            "gemini-nano-banana-2.1",
        )
    },
    ("openai", "gpt-image-1", "life"): _DEAD,
    ("openai", "gpt-4.1-nano", "life"): _DEAD,
}


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    """Their providers by name."""
    try:
        data = import_module("genai_prices.data")
    except ImportError:
        lacking("needs genai-prices; `make venv` installs it from the lock")
    return {provider.id: provider for provider in data.providers}


def _cards() -> Iterator[RateCard]:
    for card in shipped_book().cards:
        if card.vendor in PROVIDERS and card.tier == "standard" and card.rates:
            yield card


def _prices(theirs: dict[str, Any], card: RateCard) -> Any:
    model = theirs[PROVIDERS[card.vendor]].find_model(card.model)
    noon = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    return None if model is None else model.get_prices(noon)


def _usd(amount: Any, *, long: bool) -> Decimal | None:
    """Their price: plain, or in tiers by the tokens that went in."""
    if amount is None or isinstance(amount, Decimal):
        return None if long else amount
    return amount.tiers[0].price if long else amount.base


def _differences(theirs: dict[str, Any]) -> dict[Key, tuple[Decimal, Decimal | None]]:
    """Classes that both know and price differently, or that stand elsewhere there."""
    found: dict[Key, tuple[Decimal, Decimal | None]] = {}
    for card in _cards():
        prices = _prices(theirs, card)
        if prices is None or not card.holds_on(DAY):
            continue
        for long, rates in ((False, card.rates), (True, card.long_rates)):
            for name, rate in rates.items():
                there = _usd(getattr(prices, FIELDS[name]), long=long)
                if there != rate.usd:
                    found[card.vendor, card.model, str(name)] = (rate.usd, there)
    return found


def _gone(theirs: dict[str, Any]) -> set[Key]:
    """Models that they price on a day on which our book says that they are gone."""
    living = {(c.vendor, c.model) for c in _cards() if c.holds_on(DAY)}
    return {
        (card.vendor, card.model, "life")
        for card in _cards()
        if (card.vendor, card.model) not in living and _prices(theirs, card)
    }


def test_what_both_know_is_equal_or_its_difference_is_explained(
    theirs: dict[str, Any],
) -> None:
    found = set(_differences(theirs)) | _gone(theirs)
    assert found - set(_WHY) == set(), "a difference without a reason"
    assert set(_WHY) - found == set(), "a reason that is not needed any more"


def test_a_difference_is_one_of_place_and_none_of_amount(
    theirs: dict[str, Any],
) -> None:
    for (vendor, model, name), (ours, there) in _differences(theirs).items():
        assert there is None, (vendor, model, name)
        card = shipped_book().card(vendor, model, DAY)
        elsewhere = "output_mtok" if name == "output_image" else "input_mtok"
        assert _usd(getattr(_prices(theirs, card), elsewhere), long=False) == ours


def test_a_wrong_rate_of_ours_would_be_found(
    theirs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = shipped_book().card("openai", "gpt-image-2", DAY)
    rate = card.rates[TokenClass.INPUT_TEXT]
    wrong = {TokenClass.INPUT_TEXT: replace(rate, usd=rate.usd * 10)}
    monkeypatch.setitem(globals(), "_cards", lambda: [replace(card, rates=wrong)])
    assert set(_differences(theirs)) == {("openai", "gpt-image-2", "input_text")}


def test_most_models_of_both_vendors_are_compared(theirs: dict[str, Any]) -> None:
    compared = {
        (card.vendor, card.model)
        for card in _cards()
        if card.holds_on(DAY) and _prices(theirs, card) is not None
    }
    assert len(compared) > 25
