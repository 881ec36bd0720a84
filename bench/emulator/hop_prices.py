"""Hop prices: what an upstream's answer costs, by what it tells."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from bench.emulator.catalogue import Model
from bench.emulator.checks import ImageRequest, edges_px
from bench.emulator.jobs import PARTIAL_TOKENS
from bench.emulator.mainline import (
    TEXT_MODELS,
    MainlineUsage,
    mainline_price_usd,
)
from bench.emulator.options import Manner
from bench.emulator.outgoing import KNOWN
from bench.emulator.prices import EXACT, PER_IMAGE, token_price_usd
from bench.emulator.settle import usage_of
from bench.emulator.tokens import Usage

BY_NAME = {model.name: model for model in TEXT_MODELS}


def claimed(
    told: Mapping[str, Any],
    options: Mapping[str, object],
    manner: Manner,
    *,
    n_partials: int = 0,
    usage_key: str = "usage",
) -> dict[str, Any]:
    """Let `substitutes` claim the quality that was asked for, and charge for it.

    What the upstream counted as input stays.
    """
    quality, size = options.get("quality"), told.get("size")
    model = KNOWN.get(str(options.get("model")))
    claims = manner is Manner.SUBSTITUTES and quality not in (None, "auto")
    if not claims or model is None or size is None:
        return dict(told)
    usage = usage_of(_wanted(model, options), str(quality), str(size))
    found = cast("Mapping[str, Any] | None", told.get(usage_key))
    none: dict[str, Any] = {}
    inputs = none if found is None else found["input_tokens_details"]
    claim = Usage(
        input_text_tokens=inputs.get("text_tokens", usage.input_text_tokens),
        input_image_tokens=inputs.get("image_tokens", usage.input_image_tokens),
        output_image_tokens=usage.output_image_tokens + PARTIAL_TOKENS * n_partials,
        output_text_tokens=usage.output_text_tokens,
    )
    return {**told, "quality": quality, usage_key: claim.as_json()}


def _wanted(model: Model, options: Mapping[str, object]) -> ImageRequest:
    n = options.get("n") or 1
    return ImageRequest(
        model=model, prompt=str(options.get("prompt")), n=cast("int", n)
    )


def list_usd(
    options: Mapping[str, object], told: Mapping[str, Any], *, n_inputs: int
) -> Decimal | None:
    """Price an answer by its usage; without one by the tables, where they can.

    Raises:
        KeyError, TypeError, ValueError: an answer in no form that is known.
    """
    model = KNOWN.get(str(options.get("model")))
    if model is None or told.get("svg_usage") is not None:
        return None
    wanted = _wanted(model, options)
    if model.is_dall_e:
        size = str(options.get("size") or "1024x1024")
        key = (model.kin, str(options.get("quality") or "standard"), size)
        each = PER_IMAGE.get(key)
        return None if each is None else each * wanted.n
    usage = told.get("usage")
    if usage is not None and usage["total_tokens"]:
        return token_price_usd(model.kin, usage_told(usage))
    if n_inputs or told.get("quality") not in model.qualities or not told.get("size"):
        return None
    edges_px(told["size"])
    return token_price_usd(model.kin, usage_of(wanted, told["quality"], told["size"]))


def usage_told(told: Mapping[str, Any]) -> Usage:
    """Read a usage; without details of the output all of it is image tokens."""
    inputs = told["input_tokens_details"]
    plain = {"image_tokens": told["output_tokens"], "text_tokens": 0}
    outputs = told.get("output_tokens_details") or plain
    return Usage(
        input_text_tokens=inputs["text_tokens"],
        input_image_tokens=inputs["image_tokens"],
        output_image_tokens=outputs["image_tokens"],
        output_text_tokens=outputs["text_tokens"],
    )


def image_gen(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a response tells of the image tool's tokens, None for nothing."""
    usage = cast("Mapping[str, Any] | None", told.get("tool_usage"))
    return None if usage is None else cast("dict[str, Any]", usage.get("image_gen"))


def response_usd(tool: Mapping[str, object], told: Mapping[str, Any]) -> Decimal | None:
    """Price a response: the text model's tokens, and the image tool's.

    None where a part can't be known: a picture whose tokens are not told, or what
    the author of an SVG takes.

    Raises:
        KeyError, TypeError: an answer in no form that is known.
    """
    model, usage = BY_NAME.get(str(told.get("model"))), told.get("usage")
    if model is None or usage is None:
        return None
    details = usage["input_tokens_details"]
    mainline = MainlineUsage(
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cached_tokens=details["cached_tokens"],
        cache_write_tokens=details.get("cache_write_tokens", 0),
    )
    usd = mainline_price_usd(model, mainline)
    items = cast("list[dict[str, Any]]", told.get("output") or [])
    if all(item.get("type") != "image_generation_call" for item in items):
        return usd
    if any(item.get("svg_usage") is not None for item in items):
        return None
    image = image_gen(told)
    named = KNOWN.get(str(tool.get("model")))
    if named is None or image is None or not image["total_tokens"]:
        return None
    return EXACT.add(usd, token_price_usd(named.kin, usage_told(image)))
