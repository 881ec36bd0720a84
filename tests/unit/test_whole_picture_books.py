"""Whole pictures by the books: megapixels, input beside them, rounding, bounds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pricing.book import shipped_book
from pricing.charge import Charge
from pricing.errors import UnknownPrice, UnknownQuantity
from pricing.estimate import request_bound, request_estimate
from pricing.money import usd_text
from pricing.picture import charge_dearest, charge_images
from pricing.question import answer
from pricing.rates import RateCard
from pricing.usage import Usage
from pricing.variant import InputImage, PictureRequest, Size, Variant

TODAY = date(2026, 11, 21)
SQUARE = Size.parse("1024x1024")
NOTHING = Usage(input_text_tokens=0, cached_text_tokens=0, input_image_tokens=0)


def _card(model: str) -> RateCard:
    return shipped_book().card("fal", model, TODAY)


def _request(
    quality: str, size: Size | None, n: int = 1, *pictures: InputImage
) -> PictureRequest:
    variant = Variant(model="x", quality=quality, size=size)
    return PictureRequest(variant=variant, n=n, input_images=pictures)


def _lines(charge: Charge) -> list[tuple[str, int, str]]:
    return [(line.name, line.quantity, usd_text(line.usd)) for line in charge.lines]


def test_a_request_is_rounded_up_once_for_all_its_pictures() -> None:
    card = _card("fal-ai/gpt-image-1")
    one = charge_images(card, "low", SQUARE, 1, NOTHING)
    three = charge_images(card, "low", SQUARE, 3, NOTHING)
    assert _lines(one) == [("image", 1, "0.011"), ("adjustment", 1, "0.009")]
    assert _lines(three) == [("image", 3, "0.033"), ("adjustment", 1, "0.007")]


def test_what_goes_in_is_charged_once_a_request_and_before_rounding() -> None:
    card = _card("fal-ai/gpt-image-1")
    inputs = Usage(
        input_text_tokens=60,
        cached_text_tokens=0,
        input_image_tokens=194,
        cached_image_tokens=0,
    )
    charge = charge_images(card, "medium", SQUARE, 2, inputs)
    assert _lines(charge) == [
        ("image", 2, "0.084"),
        ("input_text", 60, "0.00012"),
        ("input_image", 194, "0.00097"),
        ("adjustment", 1, "0.00491"),
    ]
    assert (charge.usd, charge.flags) == (Decimal("0.09"), ())


def test_whole_cents_stay_and_need_no_adjustment() -> None:
    charge = charge_images(_card("fal-ai/gpt-image-1"), "high", Size.parse("9x9"))
    assert _lines(charge) == [("image", 1, "0.25")]
    assert charge.flags == ("input_unknown",)


def test_begun_megapixels_are_counted_for_each_picture() -> None:
    card = _card("fal-ai/flux/dev")
    charge = charge_images(card, "standard", Size.parse("1024x1025"), 3)
    assert _lines(charge) == [("megapixel", 6, "0.15")]
    with pytest.raises(UnknownQuantity, match="megapixel"):
        charge_images(card, "standard", None)
    with pytest.raises(UnknownPrice):
        charge_dearest(card, "auto", None)


def test_size_auto_is_open_where_one_size_costs_less_than_the_others() -> None:
    card = _card("fal-ai/gpt-image-1")
    with pytest.raises(UnknownQuantity, match="1024x1024, any other"):
        charge_images(card, "low", None)
    assert charge_dearest(card, "low", None, 1, NOTHING).usd == Decimal("0.02")
    assert charge_dearest(card, "auto", None, 1, NOTHING).usd == Decimal("0.25")


def test_auto_quality_is_no_question_where_every_quality_costs_the_same() -> None:
    asked = {"provider": "aiml", "model": "gpt-image-2", "mode": "per_image"}
    assert answer(asked | {"quality": "auto"}, today=TODAY)["usd"] == "0.054"
    dearer = {"provider": "launch-2025", "mode": "per_image", "quality": "auto"}
    assert answer(dearer, today=TODAY)["usd"] is None


def test_a_bound_holds_the_prompt_and_the_rounding() -> None:
    card = _card("fal-ai/gpt-image-1")
    bound = request_bound(
        card=card,
        scheme=None,
        request=_request("high", SQUARE, 2),
        prompt_bytes=1000,
        as_of=TODAY,
    )
    # 2 x 0.167 + 2 x 1,032 x 2 / 1,000,000 = 0.338128, so 0.34.
    assert (usd_text(bound.usd), bound.bounded) == ("0.34", True)
    assert "bound by its bytes" in bound.reasons[0]
    guess = request_estimate(
        card=card, scheme=None, request=_request("high", SQUARE), prompt_tokens=5
    )
    assert guess is not None
    assert guess.usd <= bound.usd


def test_an_input_picture_that_nothing_binds_is_refused() -> None:
    picture = InputImage(width_px=64, height_px=64)
    with pytest.raises(UnknownQuantity, match="nothing binds"):
        request_bound(
            card=_card("fal-ai/gpt-image-1"),
            scheme=None,
            request=_request("high", SQUARE, 1, picture),
            prompt_bytes=10,
            as_of=TODAY,
        )


def test_a_cached_input_without_a_rate_has_no_price() -> None:
    inputs = replace(NOTHING, input_text_tokens=9, cached_text_tokens=9)
    with pytest.raises(UnknownPrice, match="cached_text"):
        charge_images(_card("fal-ai/gpt-image-1"), "low", SQUARE, 1, inputs)


@pytest.mark.parametrize("model", ["fal-ai/flux/schnell", "openai/gpt-image-2"])
def test_usage_belongs_into_a_picture_question_only_where_input_is_priced(
    model: str,
) -> None:
    asked = {"provider": "fal", "model": model, "mode": "per_image"}
    usage = {"input_text_tokens": 1}
    found = answer(asked | {"quality": "low", "usage": usage}, today=TODAY)
    assert "'usage' doesn't belong" in str(found["error"])


def test_a_frozen_card_keeps_its_megapixels_and_its_rounding() -> None:
    for model in ("fal-ai/flux/dev", "fal-ai/gpt-image-1"):
        card = _card(model)
        assert RateCard.from_json(card.to_json()) == card


def test_a_gateways_own_price_a_megapixel_takes_the_place_of_the_books() -> None:
    asked = {"provider": "fal", "model": "fal-ai/flux/dev", "mode": "per_image"}
    scheme = {"kind": "per_class", "rates": {"megapixel": "0.02"}}
    found = answer(asked | {"size": "2048x1024", "scheme": scheme}, today=TODAY)
    assert found["usd"] == "0.04"
