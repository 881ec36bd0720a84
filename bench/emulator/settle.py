"""Settle: `auto` is resolved, and what will be drawn and told is fixed."""

import random
from decimal import Decimal

from bench.emulator.answers import Plan
from bench.emulator.catalogue import Model
from bench.emulator.checks import ImageRequest, edges_px
from bench.emulator.faults import Scenario
from bench.emulator.prices import PER_IMAGE, token_price_usd
from bench.emulator.service_time import Work
from bench.emulator.tokens import (
    Usage,
    image_tokens,
    input_image_tokens,
    picture_text_tokens,
    text_tokens,
)
from bench.emulator.vectors import svg_price_usd, svg_usage

AUTO_SIZE = "1024x1024"
AUTO_QUALITIES = ("medium", "high")


def settled(
    wanted: ImageRequest,
    *,
    key: str,
    request_id: str,
    fault: Scenario | None,
    substitutes: bool,
) -> Plan:
    """Decide what is drawn, told and charged; the same `key` decides alike."""
    model = wanted.model
    quality = _quality(wanted, key)
    size = AUTO_SIZE if wanted.size == "auto" else wanted.size
    if fault is Scenario.WRONG_QUALITY:
        quality = another_quality(model, quality)
    author = None
    if wanted.output_format == "svg":
        author = svg_usage(
            wanted.prompt,
            *edges_px(size),
            model=wanted.svg_model,
            effort=wanted.svg_effort,
        )
    return Plan(
        wanted=wanted,
        told_quality=quality,
        told_size=size,
        drawn_quality=model.qualities[0] if substitutes else quality,
        drawn_size=another_size(size) if fault is Scenario.WRONG_SIZE else size,
        usage=None if model.is_dall_e else usage_of(wanted, quality, size),
        svg_usage=author,
        key=key,
        request_id=request_id,
    )


def _quality(wanted: ImageRequest, key: str) -> str:
    if wanted.quality != "auto":
        return wanted.quality
    if wanted.model.is_dall_e:
        return "standard"
    return random.Random(f"{key}:auto").choice(AUTO_QUALITIES)  # noqa: S311 - no secret


def another_quality(model: Model, quality: str) -> str:
    """Return the cheapest quality, or the next one when that was asked for."""
    named = [q for q in model.qualities if q != "auto"]
    return next((q for q in named if q != quality), quality)


def another_size(size: str) -> str:
    """Return a size that nobody asked for but that most models can do."""
    return "1024x1536" if size != "1024x1536" else "1024x1024"


def usage_of(wanted: ImageRequest, quality: str, size: str) -> Usage:
    """Return the tokens of the whole request; input counts once a picture, too."""
    kin = wanted.model.kin
    each = image_tokens(kin, quality, *edges_px(size))
    inputs = sum(
        input_image_tokens(kin, one.width_px, one.height_px, wanted.fidelity)
        for one in wanted.inputs
    )
    return Usage(
        input_text_tokens=text_tokens(wanted.prompt) * wanted.n,
        input_image_tokens=inputs * wanted.n,
        output_image_tokens=each * wanted.n,
        output_text_tokens=picture_text_tokens(kin, wanted.prompt) * wanted.n,
    )


def list_price_usd(plan: Plan) -> Decimal:
    """Return what OpenAI would charge for what the answer tells."""
    wanted = plan.wanted
    if plan.usage is not None:
        author_usd = svg_price_usd(plan.svg_usage) if plan.svg_usage else Decimal(0)
        return token_price_usd(wanted.model.kin, plan.usage) + author_usd
    each = PER_IMAGE[wanted.model.kin, plan.told_quality, plan.told_size]
    return each * wanted.n


def work_of(plan: Plan) -> Work:
    """Return what the service time depends on."""
    width_px, height_px = edges_px(plan.drawn_size)
    return Work(
        quality=plan.drawn_quality,
        pixels=width_px * height_px,
        n=plan.wanted.n,
        pace=plan.wanted.model.pace,
    )
