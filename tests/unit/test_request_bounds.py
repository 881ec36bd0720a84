"""Bounds: the most that one request can cost, and why."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import shipped_book
from pricing.charge import charge
from pricing.errors import BadQuantity, BadVariant
from pricing.estimate import Bound, request_bound, request_estimate
from pricing.money import usd_text
from pricing.rates import RateCard
from pricing.scheme import parse_multiplier
from pricing.usage import Usage
from pricing.variant import InputImage, PictureRequest, Variant, parse_size

AS_OF = date(2026, 11, 21)
PICTURE = InputImage(width_px=1024, height_px=1024)
EXACT_MODELS = ("gpt-image-1-mini", "gpt-image-2", "gpt-image-2.5-flare")


def _card(model: str, as_of: date = AS_OF) -> RateCard:
    return shipped_book().card("openai", model, as_of)


def _request(
    model: str,
    quality: str = "medium",
    size: str = "1024x1024",
    n: int = 1,
    partial_images: int = 0,
    input_images: tuple[InputImage, ...] = (),
) -> PictureRequest:
    return PictureRequest(
        variant=Variant(model=model, quality=quality, size=parse_size(size)),
        n=n,
        partial_images=partial_images,
        input_images=input_images,
    )


def _bound(request: PictureRequest, prompt_bytes: int = 100) -> Bound:
    return request_bound(
        card=_card(request.variant.model),
        scheme=None,
        request=request,
        prompt_bytes=prompt_bytes,
        as_of=AS_OF,
    )


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        # 132 text tokens (100 bytes and 32 more) at 5, output at 30 USD a million
        (_request("gpt-image-2"), "0.05334"),
        (_request("gpt-image-2", n=2), "0.10668"),
        (_request("gpt-image-2", partial_images=3), "0.06234"),
        (_request("gpt-image-2", "high", "2048x2048"), "0.42882"),
    ],
)
def test_a_published_rule_gives_an_exact_output_to_the_bound(
    request_: PictureRequest, expected: str
) -> None:
    found = _bound(request_)
    assert (usd_text(found.usd), found.bounded) == (expected, False)
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("request_", "quantity"),
    [
        (_request("gpt-image-2.6-flare"), "output_image_tokens"),
        (_request("gpt-image-2", "auto"), "quality auto"),
        (_request("gpt-image-2", size="auto"), "size auto"),
        (_request("gpt-image-2", input_images=(PICTURE,)), "input_image_tokens"),
        (_request("gpt-image-1.5"), "output_text_tokens"),
    ],
)
def test_an_unknown_quantity_is_bound_with_its_reason(
    request_: PictureRequest, quantity: str
) -> None:
    found = _bound(request_)
    assert found.bounded
    assert quantity in found.reasons[0]
    if quantity.endswith("_tokens"):
        assert "assumed" in found.reasons[0]


def test_a_bound_follows_the_scheme() -> None:
    request = _request("gpt-image-2")
    half = request_bound(
        card=_card("gpt-image-2"),
        scheme=parse_multiplier("0.5"),
        request=request,
        prompt_bytes=100,
        as_of=AS_OF,
    )
    assert half.usd * 2 == _bound(request).usd


def test_whole_pictures_are_bound_by_their_dearest_price() -> None:
    day = date(2026, 5, 1)
    card = _card("dall-e-3", day)
    for quality, size, expected, bounded in (
        ("hd", "1024x1024", "0.16", False),
        ("auto", "1024x1024", "0.16", True),
        ("standard", "auto", "0.16", True),
        ("auto", "auto", "0.24", True),
    ):
        request = _request("dall-e-3", quality, size, n=2)
        found = request_bound(
            card=card, scheme=None, request=request, prompt_bytes=9, as_of=day
        )
        assert (usd_text(found.usd), found.bounded) == (expected, bounded)


def test_a_model_without_published_rule_has_no_estimate() -> None:
    for request in (
        _request("gpt-image-2.6-flare"),
        _request("gpt-image-2", "auto"),
        _request("gpt-image-2", input_images=(PICTURE,)),
    ):
        found = request_estimate(
            card=_card(request.variant.model),
            scheme=None,
            request=request,
            prompt_tokens=20,
            as_of=AS_OF,
        )
        assert found is None


@pytest.mark.parametrize(
    ("n", "partial_images", "n_inputs"), [(0, 0, 0), (11, 0, 0), (1, 4, 0), (1, 0, 17)]
)
def test_a_request_outside_the_limits_is_refused(
    n: int, partial_images: int, n_inputs: int
) -> None:
    with pytest.raises(BadQuantity):
        _request("gpt-image-2", "low", "auto", n, partial_images, (PICTURE,) * n_inputs)


def test_a_variant_that_the_model_does_not_take_has_no_bound() -> None:
    with pytest.raises(BadVariant):
        _bound(_request("gpt-image-2", "xhigh"))


@given(
    model=st.sampled_from(EXACT_MODELS),
    quality=st.sampled_from(["low", "medium", "high"]),
    size=st.sampled_from(["1024x1024", "1024x1536", "1536x1024"]),
    n=st.integers(1, 10),
    partial_images=st.integers(0, 3),
    prompt_bytes=st.integers(0, 32_000),
)
def test_no_answer_within_the_rules_passes_the_bound(
    model: str, quality: str, size: str, n: int, partial_images: int, prompt_bytes: int
) -> None:
    request = _request(model, quality, size, n, partial_images)
    most = _bound(request, prompt_bytes).usd
    rules = shipped_book().rules(model)
    tokens = rules.output_tokens(quality, request.variant.size)
    reported = Usage(
        input_text_tokens=n * prompt_bytes,
        input_image_tokens=0,
        output_image_tokens=n * (tokens + 100 * partial_images),
    )
    assert Decimal(0) < charge(reported, _card(model)).usd <= most
    assert most <= _bound(_request(model, "auto", "auto", n, 3), prompt_bytes).usd
