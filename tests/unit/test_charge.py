"""Charge: lines, flags, refusals and schemes."""

from datetime import date
from typing import Any

import pytest

from pricing.book import shipped_book
from pricing.charge import charge, charge_mainline
from pricing.errors import (
    BadQuantity,
    BadVariant,
    UnknownPrice,
    UnknownQuantity,
)
from pricing.money import usd_text
from pricing.picture import charge_images
from pricing.rates import RateCard
from pricing.usage import MainlineUsage, Usage
from pricing.variant import Size


def _card(model: str, as_of: str = "2026-10-01", tier: str = "standard") -> RateCard:
    return shipped_book().card("openai", model, date.fromisoformat(as_of), tier)


@pytest.mark.parametrize(
    ("model", "usage", "expected", "flags"),
    [
        ("gpt-image-1", {"output_image_tokens": 272}, "0.01088", ["input_unknown"]),
        ("gpt-image-1", {"output_image_tokens": 4160}, "0.1664", ["input_unknown"]),
        (
            "gpt-image-2",
            {
                "input_text_tokens": 60,
                "cached_text_tokens": 0,
                "input_image_tokens": 0,
                "output_image_tokens": 1756,
            },
            "0.05298",
            [],
        ),
        (
            "gpt-image-2",
            {
                "input_text_tokens": 60,
                "input_image_tokens": 0,
                "output_image_tokens": 196,
            },
            "0.00618",
            ["cache_unknown_upper_bound"],
        ),
        (
            "gpt-image-1.5",
            {
                "input_text_tokens": 100,
                "cached_text_tokens": 40,
                "input_image_tokens": 323,
                "cached_image_tokens": 323,
                "output_image_tokens": 1584,
                "output_text_tokens": 335,
            },
            "0.055034",
            [],
        ),
        (
            "gpt-image-1.5",
            {
                "input_text_tokens": 0,
                "input_image_tokens": 0,
                "output_image_tokens": 1056,
            },
            "0.033792",
            ["output_text_unknown"],
        ),
        (
            "gpt-image-2",
            {
                "input_text_tokens": 0,
                "input_image_tokens": 0,
                "output_image_tokens": 0,
                "output_text_tokens": 0,
            },
            "0",
            [],
        ),
    ],
)
def test_usage_is_charged_class_by_class(
    model: str, usage: dict[str, int], expected: str, flags: list[str]
) -> None:
    found = charge(Usage(**usage), _card(model))
    assert usd_text(found.usd) == expected
    assert list(found.flags) == flags


def test_each_class_has_its_own_line_at_its_own_rate() -> None:
    usage = Usage(
        input_text_tokens=100,
        cached_text_tokens=40,
        input_image_tokens=30,
        cached_image_tokens=10,
        output_image_tokens=1000,
        output_text_tokens=7,
    )
    found = charge(usage, _card("gpt-image-1.5")).to_json()
    assert [tuple(line.values()) for line in _lines(found)] == [
        ("input_text", 60, "5", 1_000_000, "0.0003"),
        ("cached_text", 40, "1.25", 1_000_000, "0.00005"),
        ("input_image", 20, "8", 1_000_000, "0.00016"),
        ("cached_image", 10, "2", 1_000_000, "0.00002"),
        ("output_image", 1000, "32", 1_000_000, "0.032"),
        ("output_text", 7, "10", 1_000_000, "0.00007"),
    ]


def _lines(found: dict[str, object]) -> list[dict[str, Any]]:
    lines = found["lines"]
    assert isinstance(lines, list)
    return lines


@pytest.mark.parametrize(
    "usage",
    [
        {"output_image_tokens": -1},
        {"input_text_tokens": 10, "cached_text_tokens": 11},
        {"cached_image_tokens": 1},
        {"input_image_tokens": None, "cached_image_tokens": 5},
        {"output_image_tokens": 10**12 + 1},
        {"output_image_tokens": True},
        {"output_image_tokens": 1.0},
    ],
)
def test_negative_contradictory_and_impossible_usage_is_refused(
    usage: dict[str, Any],
) -> None:
    with pytest.raises(BadQuantity):
        Usage(**usage)


def test_a_mainline_part_larger_than_its_whole_is_refused() -> None:
    with pytest.raises(BadQuantity):
        MainlineUsage(input_tokens=10, cached_tokens=6, cache_write_tokens=5)


def test_unknown_output_is_no_price_and_never_0() -> None:
    with pytest.raises(UnknownQuantity) as refused:
        charge(Usage(input_text_tokens=5), _card("gpt-image-2"))
    assert refused.value.quantity == "output_image_tokens"


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("gpt-image-2", {"output_image_tokens": 1, "output_text_tokens": 1}),
        ("gpt-5", {"output_image_tokens": 1}),
        ("dall-e-3", {"output_image_tokens": 1}),
    ],
)
def test_tokens_without_a_rate_are_no_price(model: str, usage: dict[str, int]) -> None:
    with pytest.raises(UnknownPrice):
        charge(Usage(**usage), _card(model, "2026-05-01"))


@pytest.mark.parametrize(
    ("model", "usage", "expected", "flags"),
    [
        ("gpt-5", (1000, 200, None, 50), "0.001525", []),
        ("gpt-5", (1000, None, None, 50), "0.00175", ["cache_unknown_upper_bound"]),
        ("gpt-5.6-sol", (1000, 200, 300, 50), "0.00458", []),
        ("gpt-5.6-sol", (1000, 0, None, 0), "0.004", ["cache_write_unknown"]),
        ("gpt-5.6-sol", (272_000, 0, 0, 100), "1.09", []),
        ("gpt-5.6-sol", (272_001, 0, 0, 100), "2.179008", []),
    ],
)
def test_a_mainline_model_is_charged_with_cache_writes_and_long_context(
    model: str, usage: tuple[int | None, ...], expected: str, flags: list[str]
) -> None:
    names = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    tokens = dict(zip(names, usage, strict=True))
    found = charge_mainline(MainlineUsage(**tokens), _card(model))
    assert usd_text(found.usd) == expected
    assert list(found.flags) == flags


@pytest.mark.parametrize(
    ("model", "quality", "size", "expected"),
    [
        ("dall-e-3", "standard", "1024x1024", "0.04"),
        ("dall-e-3", "standard", "1792x1024", "0.08"),
        ("dall-e-3", "hd", "1024x1024", "0.08"),
        ("dall-e-3", "hd", "1024x1792", "0.12"),
        ("dall-e-2", "standard", "256x256", "0.016"),
        ("dall-e-2", "standard", "512x512", "0.018"),
        ("dall-e-2", "standard", "1024x1024", "0.02"),
    ],
)
def test_dall_e_is_priced_by_the_picture(
    model: str, quality: str, size: str, expected: str
) -> None:
    card = _card(model, "2025-06-01")
    assert usd_text(charge_images(card, quality, Size.parse(size)).usd) == expected


def test_a_picture_without_a_price_of_its_own_is_refused() -> None:
    card = _card("dall-e-3", "2025-06-01")
    with pytest.raises(BadVariant):
        charge_images(card, "hd", Size.parse("512x512"))
    with pytest.raises(BadVariant):
        charge_images(card, "medium", Size.parse("1024x1024"))
    with pytest.raises(UnknownQuantity):
        charge_images(card, "auto", Size.parse("1024x1024"))
    with pytest.raises(UnknownQuantity):
        charge_images(card, "hd", None)
