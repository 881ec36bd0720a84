"""Price refusals: questions without a price, and what is no question."""

from datetime import date
from typing import Any

import pytest

from pricing.errors import BadQuestion
from pricing.question import answer

TODAY = date(2026, 11, 21)
SQUARE = {"mode": "estimate", "size": "1024x1024"}
GPT_1 = {"model": "gpt-image-1", "as_of": "2026-06-01"}
FULL_USAGE = {
    "input_text_tokens": 10,
    "cached_text_tokens": 0,
    "input_image_tokens": 0,
    "output_image_tokens": 196,
}
MAINLINE = {"model": "gpt-5", "usage": {"input_tokens": 1000, "output_tokens": 50}}
PER_IMAGE = {"mode": "per_image", "provider": "launch-2025", "quality": "low"}


@pytest.mark.parametrize(
    ("asked", "because"),
    [
        ({}, "model is missing"),
        ({"model": "gpt-image-9"}, "gpt-image-9"),
        ({"model": "gpt-image-2.5"}, "gpt-image-2.5"),
        ({"model": "gpt-image-1"}, "2026-10-23"),
        ({"model": "gpt-image-2", "as_of": "2026-04-20"}, "2026-04-21"),
        ({"model": "gpt-image-2", "as_of": "21.11.2026"}, "no date"),
        ({"model": "gpt-image-2", "as_of": "2026-02-30"}, "no date"),
        ({"model": "gpt-image-2", "as_of": "20261121"}, "no date"),
        ({"model": "gpt-image-2", "provider": "acme"}, "acme"),
        ({"model": "gpt-image-2", "tier": "gold"}, "gold"),
        ({"model": "gpt-image-2.5-flare", "tier": "batch"}, "batch"),
        ({"model": "gpt-image-2", "mode": "guess"}, "guess"),
        ({"model": "gpt-image-2", "api": "chat"}, "chat"),
        ({"model": "gpt-image-2"}, "usage is missing"),
        ({"model": "gpt-image-2", "usage": {}}, "output_image_tokens"),
        ({"model": "gpt-image-2", "images": 5, "usage": FULL_USAGE}, "images"),
        ({"model": "gpt-image-2", "usage": {"output_image_tokens": -1}}, "negative"),
        (
            {
                "model": "gpt-image-2",
                "usage": FULL_USAGE | {"cached_text_tokens": 11},
            },
            "cached_text_tokens",
        ),
        (
            {"model": "gpt-image-2", "usage": FULL_USAGE | {"output_text_tokens": 5}},
            "output_text",
        ),
        ({"model": "gpt-image-2", "usage": FULL_USAGE, "requests": 0}, "requests"),
        ({"model": "gpt-image-2", "usage": FULL_USAGE, "requests": -1}, "requests"),
        (
            {"model": "gpt-image-2", "usage": FULL_USAGE, "requests": 10**30},
            "requests",
        ),
        ({"model": "gpt-image-2", "usage": FULL_USAGE, "multiplier": "-0.5"}, "-0.5"),
        ({"model": "gpt-image-2", "usage": FULL_USAGE, "multiplier": "abc"}, "abc"),
        ({"model": "gpt-image-2", "usage": FULL_USAGE, "multiplier": "NaN"}, "NaN"),
        ({"multiplier": "1", "scheme": {"kind": "multiplier"}}, "exclude"),
        ({"scheme": {"kind": "fee", "share": "-1"}}, "negative"),
        ({"scheme": [{"kind": "multiplier", "factor": "1"}] * 21}, "at most 20"),
        ({"model": "gpt-5", "usage": FULL_USAGE}, "no standard rate"),
        ({"model": "gpt-image-2", "mainline": MAINLINE}, "mainline"),
        ({"api": "responses"}, "mainline"),
        ({"api": "responses", "mainline": {"model": "gpt-5"}}, "mainline"),
        ({"api": "responses", "mainline": MAINLINE, "usage": FULL_USAGE}, "usage"),
        ({"api": "responses", "mode": "estimate"}, "estimate"),
        (
            {
                "api": "responses",
                "mainline": MAINLINE,
                "tool_usage_image_gen": {"usage": FULL_USAGE},
            },
            "tool_usage_image_gen.model",
        ),
        (SQUARE | {"model": "gpt-image-2", "quality": "xhigh"}, "xhigh"),
        (SQUARE | {"model": "gpt-image-2", "quality": "low", "n": 0}, "n must"),
        (SQUARE | {"model": "gpt-image-2", "quality": "low", "n": 11}, "n must"),
        (
            SQUARE | {"model": "gpt-image-2", "quality": "low", "partial_images": 4},
            "partial_images",
        ),
        (
            {
                "mode": "estimate",
                "model": "gpt-image-2",
                "quality": "low",
                "size": "1000x1000",
            },
            "multiples of 16",
        ),
        (
            {
                "mode": "estimate",
                "model": "gpt-image-1.5",
                "quality": "low",
                "size": "1792x1024",
            },
            "1024x1536",
        ),
        (
            {
                "mode": "estimate",
                "model": "gpt-image-2",
                "quality": "low",
                "size": "big",
            },
            "big",
        ),
        (
            SQUARE | {"model": "gpt-image-2", "quality": "low", "usage": FULL_USAGE},
            "mode usage",
        ),
        (
            SQUARE
            | GPT_1
            | {"quality": "low", "input_images": [{"width": 0, "height": 9}]},
            "no area",
        ),
        (
            SQUARE
            | GPT_1
            | {
                "quality": "low",
                "input_images": [{"width": 9, "height": 9, "fidelity": "x"}],
            },
            "fidelity",
        ),
        (
            SQUARE | {"model": "dall-e-3", "as_of": "2025-06-01", "quality": "hd"},
            "per_image",
        ),
        (PER_IMAGE | {"as_of": "2025-04-22"}, "2025-04-23"),
        (PER_IMAGE | {"tier": "batch"}, "batch"),
        (PER_IMAGE | {"quality": "xhigh"}, "no price for any model at launch-2025"),
        (PER_IMAGE | {"images": 0}, "images"),
        (PER_IMAGE | {"images": -5}, "images"),
        (PER_IMAGE | {"n": 2}, "'n'"),
        (PER_IMAGE | {"provider": "openai", "model": "gpt-image-2"}, "tokens"),
        (PER_IMAGE | {"provider": "openai"}, "model is missing"),
        ({"mode": "flat"}, "flat_price is missing"),
        ({"mode": "flat", "flat_price": "-1"}, "flat_price"),
        ({"mode": "flat", "flat_price": "1e3"}, "flat_price"),
        ({"mode": "flat", "flat_price": "1", "usage": FULL_USAGE}, "usage"),
        (
            {
                "mode": "flat",
                "flat_price": "9" * 12,
                "multiplier": "9" * 12,
                "requests": 10**12,
            },
            "10^26",
        ),
    ],
)
def test_a_question_without_a_price_is_answered_with_the_reason(
    asked: dict[str, Any], because: str
) -> None:
    found = answer(asked, today=TODAY)
    assert found["usd"] is None
    assert found["lines"] == []
    assert because in str(found["error"])


@pytest.mark.parametrize(
    ("model", "on"),
    [
        ("gpt-5.4", {"tier": "batch"}),
        ("gpt-5.5", {"tier": "batch"}),
        ("gpt-5.6-terra", {"tier": "batch"}),
        ("gpt-5.6-luna", {"as_of": "2026-07-29"}),
        ("gpt-5.6-sol", {"as_of": "2026-08-20"}),
    ],
)
def test_a_long_request_has_no_price_where_no_long_rate_is_printed(
    model: str, on: dict[str, str]
) -> None:
    for tokens, is_priced in ((272_000, True), (272_001, False)):
        usage = {"input_tokens": tokens, "cached_tokens": 0, "output_tokens": 1}
        asked = {"api": "responses", "mainline": {"model": model, "usage": usage}}
        found = answer(asked | on, today=TODAY)
        assert (found["usd"] is not None) == is_priced
        assert is_priced or "272000 input tokens" in str(found["error"])


@pytest.mark.parametrize(
    "question",
    [
        None,
        [],
        "gpt-image-2",
        5,
        {"modell": "gpt-image-2"},
        {"model": 5},
        {"model": ["gpt-image-2"]},
        {"id": 1.5},
        {"id": {}},
        {"id": True},
        {"usage": []},
        {"usage": {"text_tokens": 5}},
        {"usage": {"input_text_tokens": "5"}},
        {"usage": {"input_text_tokens": 5.0}},
        {"usage": {"input_text_tokens": True}},
        {"requests": "2"},
        {"requests": 1.0},
        {"n": False},
        {"multiplier": 0.5},
        {"multiplier": 1},
        {"flat_price": 0.03},
        {"scheme": "half"},
        {"scheme": {}},
        {"scheme": {"kind": "multiplier", "factor": 0.5}},
        {"scheme": {"kind": "multiplier", "factor": "0.5", "note": "x"}},
        {"as_of": 20261121},
        {"input_images": {}},
        {"input_images": [1024]},
        {"input_images": [{"width": 1024}]},
        {"input_images": [{"width": 1024, "height": 1024, "depth": 3}]},
        {"mainline": {"model": "gpt-5", "usage": {"input_text_tokens": 5}}},
        {"tool_usage_image_gen": {"model": "gpt-image-2", "tokens": 5}},
    ],
)
def test_the_wrong_form_is_no_question(question: object) -> None:
    with pytest.raises(BadQuestion):
        answer(question, today=TODAY)
