"""The emulator's own tables against the price books: neither copies the other."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.emulator.catalogue import FIXED_SIZES, MODELS, Model
from bench.emulator.checks import ImageRequest
from bench.emulator.mainline import (
    TEXT_MODELS,
    MainlineUsage,
    TextModel,
    mainline_price_usd,
)
from bench.emulator.prices import PER_IMAGE, scaled, token_price_usd, usd_text
from bench.emulator.settle import usage_of
from bench.emulator.tokens import Usage, input_image_tokens
from pricing.question import answer

# The last day for which each text model's price is known.
IN_FORCE = date(2026, 11, 21)
FREE_SIZES = (
    "1024x1024",
    "1024x1536",
    "1536x1024",
    "1024x640",
    "1536x864",
    "2880x2880",
    "3840x2160",
    "2160x3840",
    "3840x1280",
    "3072x1024",
    "1792x944",
)
edges = st.integers(1, 6000) | st.sampled_from([512, 513, 1024, 2048, 2049, 4096])
BY_TOKENS = [model for model in MODELS if not model.is_dall_e]
BY_RULE = [model for model in BY_TOKENS if model.kin != "gpt-image-2.6"]


def as_of(model: Model) -> str:
    return model.released_on.isoformat()


def counted(usage: Usage) -> dict[str, int]:
    return {
        "input_text_tokens": usage.input_text_tokens,
        "cached_text_tokens": 0,
        "input_image_tokens": usage.input_image_tokens,
        "cached_image_tokens": 0,
        "output_image_tokens": usage.output_image_tokens,
        "output_text_tokens": usage.output_text_tokens,
    }


def priced(question: dict[str, Any]) -> Decimal:
    found = answer(question)
    assert found["error"] is None, found
    return Decimal(str(found["usd"]))


@pytest.mark.parametrize("model", BY_TOKENS, ids=lambda model: model.name)
@pytest.mark.parametrize("n", [1, 7])
def test_both_charge_the_same_for_the_same_usage(model: Model, n: int) -> None:
    wanted = ImageRequest(model=model, prompt="每天 a prompt", n=n)
    usage = usage_of(wanted, "medium", "1024x1024")
    question = {"model": model.name, "as_of": as_of(model), "usage": counted(usage)}
    direct = token_price_usd(model.kin, usage)
    assert priced(question) == direct
    for factor in ("0.5", "0.333333333333", "1.2"):
        told = priced({**question, "multiplier": factor})
        assert told == scaled(direct, Decimal(factor)), usd_text(told)


@pytest.mark.parametrize("model", BY_RULE, ids=lambda model: model.name)
def test_both_count_the_same_output_tokens(model: Model) -> None:
    sizes = FREE_SIZES if model.sizes is None else FIXED_SIZES
    named = [quality for quality in model.qualities if quality != "auto"]
    for quality, size in product(named, sizes):
        wanted = ImageRequest(model=model, prompt="x")
        usage = usage_of(wanted, quality, size)
        question = {
            "model": model.name,
            "as_of": as_of(model),
            "mode": "estimate",
            "quality": quality,
            "size": size,
            "n": 1,
        }
        only_picture = Usage(
            input_text_tokens=0, output_image_tokens=usage.output_image_tokens
        )
        assert priced(question) == token_price_usd(model.kin, only_picture)


@pytest.mark.parametrize("key", PER_IMAGE, ids="-".join)
def test_both_know_the_same_price_of_a_dall_e_picture(
    key: tuple[str, str, str],
) -> None:
    model, quality, size = key
    question = {
        "model": model,
        "as_of": "2026-01-15",
        "mode": "per_image",
        "quality": quality,
        "size": size,
        "images": 3,
    }
    assert priced(question) == 3 * PER_IMAGE[key]


# Where a rule is published, and since when; elsewhere each has its own choice.
@pytest.mark.parametrize(
    ("kin", "fidelity", "day"),
    [
        ("gpt-image-1", "low", "2025-05-01"),
        ("gpt-image-1", "high", "2025-08-01"),
        ("gpt-image-1.5", "low", "2026-02-01"),
    ],
)
@given(width_px=edges, height_px=edges)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_both_count_the_same_tokens_of_an_input_picture(
    kin: str, fidelity: str, day: str, width_px: int, height_px: int
) -> None:
    picture = {"width": width_px, "height": height_px, "fidelity": fidelity}
    question = {
        "model": kin,
        "as_of": day,
        "mode": "estimate",
        "quality": "low",
        "size": "1024x1024",
        "input_images": [picture],
    }
    found = answer(question)
    if found["error"] is not None:
        # Between 6:5 and 5:4 nobody knows whether a picture counts as square.
        ratio = max(width_px, height_px) / min(width_px, height_px)
        assert fidelity == "high"
        assert 1.2 <= ratio <= 1.25
        return
    inputs = input_image_tokens(kin, width_px, height_px, fidelity)
    usage = Usage(
        input_text_tokens=0, input_image_tokens=inputs, output_image_tokens=272
    )
    assert Decimal(str(found["usd"])) == token_price_usd(kin, usage)


@pytest.mark.parametrize("model", TEXT_MODELS, ids=lambda model: model.name)
def test_both_charge_the_same_for_a_text_model(model: TextModel) -> None:
    written = 256 if model.cache_write is not None else 0
    used = MainlineUsage(
        input_tokens=5000,
        output_tokens=77,
        cached_tokens=1024,
        cache_write_tokens=written,
    )
    last = model.retired_on or IN_FORCE
    usage = {
        "input_tokens": used.input_tokens,
        "cached_tokens": used.cached_tokens,
        "cache_write_tokens": used.cache_write_tokens,
        "output_tokens": used.output_tokens,
    }
    question = {
        "api": "responses",
        "as_of": min(last - timedelta(days=1), IN_FORCE).isoformat(),
        "mainline": {"model": model.name, "usage": usage},
    }
    assert priced(question) == mainline_price_usd(model, used)
