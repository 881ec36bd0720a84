"""Price table: every mode, tier and scheme has an answer or a stated refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest

from pricing.question import answer

STEP = Decimal("0.000000000001")
FULL = {
    "input_text_tokens": 60,
    "cached_text_tokens": 0,
    "input_image_tokens": 0,
    "output_image_tokens": 1756,
}
MAINLINE = {
    "model": "gpt-5",
    "usage": {"input_tokens": 1000, "cached_tokens": 0, "output_tokens": 50},
}
TOOL = {"model": "gpt-image-2", "usage": FULL}
SVG = {
    "model": "gpt-5",
    "usage": {"input_tokens": 2000, "cached_tokens": 0, "output_tokens": 300},
}
MEDIUM = {"quality": "medium", "size": "1024x1024"}
ESTIMATE = {"model": "gpt-image-2", "mode": "estimate", "usage": {}} | MEDIUM
RESPONSES = {"api": "responses", "mainline": MAINLINE}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to ask: dollars of a call by tier, or why there are none."""

    asked: dict[str, Any]
    standard: str
    batch: str
    flags: tuple[str, ...] = ()


# A figure is the price of one call, worked out by hand; words are its refusal.
KINDS = {
    # 60 x 5 + 1,756 x 30 a million; batch is half.
    "usage": Kind(
        asked={"model": "gpt-image-2", "usage": FULL},
        standard="0.05298",
        batch="0.02649",
    ),
    "usage, cache unknown": Kind(
        asked={"model": "gpt-image-2", "usage": FULL | {"cached_text_tokens": None}},
        standard="0.05298",
        batch="0.02649",
        flags=("cache_unknown_upper_bound",),
    ),
    "usage, input unknown": Kind(
        asked={"model": "gpt-image-2", "usage": {"output_image_tokens": 1756}},
        standard="0.05268",
        batch="0.02634",
        flags=("input_unknown",),
    ),
    # 1,056 x 32 a million.
    "usage, text output unknown": Kind(
        asked={
            "model": "gpt-image-1.5",
            "usage": {
                "input_text_tokens": 0,
                "input_image_tokens": 0,
                "output_image_tokens": 1056,
            },
        },
        standard="0.033792",
        batch="0.016896",
        flags=("output_text_unknown",),
    ),
    "usage, output unknown": Kind(
        asked={"model": "gpt-image-2", "usage": {"input_text_tokens": 60}},
        standard="output_image_tokens is unknown",
        batch="output_image_tokens is unknown",
    ),
    "usage, none": Kind(
        asked={"model": "gpt-image-2"},
        standard="usage is missing",
        batch="usage is missing",
    ),
    "usage, no batch rate": Kind(
        asked={"model": "gpt-image-2.5-flare", "usage": FULL},
        standard="0.05298",
        batch="no batch rates",
    ),
    "estimate": Kind(
        asked=ESTIMATE, standard="0.05268", batch="0.02634", flags=("input_unknown",)
    ),
    # 2 x (1,756 + 3 x 100) x 30 a million.
    "estimate, two with three partials": Kind(
        asked=ESTIMATE | {"n": 2, "partial_images": 3},
        standard="0.12336",
        batch="0.06168",
        flags=("input_unknown",),
    ),
    "estimate, auto": Kind(
        asked=ESTIMATE | {"quality": "auto"},
        standard="quality auto may be any of",
        batch="quality auto may be any of",
    ),
    "estimate, no rule": Kind(
        asked=ESTIMATE | {"model": "gpt-image-2.6-flare"},
        standard="has no published rule",
        batch="no batch rates",
    ),
    "per_image": Kind(
        asked={"provider": "launch-2025", "mode": "per_image"} | MEDIUM,
        standard="0.07",
        batch="no batch rates",
    ),
    # 0.042 and 60 x 2 a million, up to the next cent.
    "per_image with its input": Kind(
        asked={
            "provider": "fal",
            "model": "fal-ai/gpt-image-1",
            "mode": "per_image",
            "usage": {"input_text_tokens": 60, "input_image_tokens": 0},
        }
        | MEDIUM,
        standard="0.05",
        batch="no batch rates",
        flags=("cache_unknown_upper_bound",),
    ),
    "per_image, by tokens": Kind(
        asked={"model": "gpt-image-2", "mode": "per_image"} | MEDIUM,
        standard="by tokens",
        batch="by tokens",
    ),
    "flat": Kind(
        asked={"mode": "flat", "flat_price": "0.025"} | MEDIUM,
        standard="0.025",
        batch="0.025",
    ),
    "flat, none": Kind(
        asked={"mode": "flat"},
        standard="flat_price is missing",
        batch="flat_price is missing",
    ),
    # 1,000 x 1.25 + 50 x 10 a million, and the tool.
    "responses": Kind(
        asked=RESPONSES | {"tool_usage_image_gen": TOOL},
        standard="0.05473",
        batch="0.027365",
    ),
    "responses, tool unknown": Kind(
        asked=RESPONSES,
        standard="0.00175",
        batch="0.000875",
        flags=("tool_usage_unknown",),
    ),
    # 2,000 x 1.25 + 300 x 10 a million = 0.0055 more.
    "responses, SVG": Kind(
        asked=RESPONSES | {"tool_usage_image_gen": TOOL, "svg_usage": SVG},
        standard="0.06023",
        batch="0.030115",
    ),
    "responses, estimate": Kind(
        asked=RESPONSES | {"mode": "estimate"},
        standard="no price in mode estimate",
        batch="no price in mode estimate",
    ),
}
Lines = list[dict[str, Any]]


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(STEP, rounding=ROUND_HALF_EVEN)


def _up(usd: Decimal) -> Decimal:
    cents = (usd / Decimal("0.01")).to_integral_value(rounding=ROUND_CEILING)
    return cents * Decimal("0.01")


def _per_class(_usd: Decimal, lines: Lines) -> Decimal:
    """Pictures at 10 a million tokens and at 1 a piece; the rest as it is."""
    own = {"output_image": "10", "image": "1"}
    parts = [
        _rounded(Decimal(line["quantity"]) * Decimal(own[line["class"]]) / line["per"])
        if line["class"] in own
        else Decimal(line["usd"])
        for line in lines
    ]
    return sum(parts, Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Way:
    """A scheme: what it makes of one call, then of all of them."""

    scheme: object = None
    multiplier: str | None = None
    on_call: Callable[[Decimal, Lines], Decimal] = lambda usd, _: usd
    on_total: Callable[[Decimal], Decimal] = lambda usd: usd
    flag: str | None = None


FEE = {"kind": "fee", "share": "0.055"}
WAYS = {
    "direct": Way(),
    "shorthand": Way(multiplier="0.5", on_call=lambda usd, _: usd / 2),
    "multiplier": Way(
        scheme={"kind": "multiplier", "factor": "0.3333"},
        on_call=lambda usd, _: usd * Decimal("0.3333"),
    ),
    "flat_per_call": Way(
        scheme={"kind": "flat_per_call", "usd": "0.03"},
        on_call=lambda _usd, _: Decimal("0.03"),
    ),
    "per_class": Way(
        scheme={"kind": "per_class", "rates": {"output_image": "10", "image": "1"}},
        on_call=_per_class,
    ),
    "region": Way(
        scheme={"kind": "region", "factor": "1.10"},
        on_call=lambda usd, _: usd * Decimal("1.10"),
    ),
    "round_up": Way(
        scheme={"kind": "round_up", "to_usd": "0.01"},
        on_call=lambda usd, _: _up(usd),
    ),
    "credits": Way(
        scheme={"kind": "credits", "per_usd": "211"},
        on_total=lambda usd: usd / 211,
    ),
    "currency": Way(
        scheme={
            "kind": "currency",
            "code": "CNY",
            "per_usd": "7.1",
            "as_of": "2026-11-20",
        },
        on_total=lambda usd: usd / Decimal("7.1"),
    ),
    "fee": Way(scheme=FEE, on_total=lambda usd: usd * Decimal("1.055")),
    "fee, minimum alone": Way(
        scheme=FEE | {"minimum_usd": "0.80"},
        on_total=lambda usd: usd * Decimal("1.055"),
        flag="fee_minimum_not_applied",
    ),
    "fee, purchase": Way(
        scheme=FEE | {"minimum_usd": "0.80", "purchase_usd": "20"},
        on_total=lambda usd: usd + Decimal("1.1"),
    ),
    "half, up, fee": Way(
        scheme=[
            FEE,
            {"kind": "multiplier", "factor": "0.5"},
            {"kind": "round_up", "to_usd": "0.01"},
        ],
        on_call=lambda usd, _: _up(_rounded(usd / 2)),
        on_total=lambda usd: usd * Decimal("1.055"),
    ),
}


def _ask(kind: Kind, tier: str, way: Way, requests: int = 1) -> dict[str, Any]:
    more = {"tier": tier, "requests": requests, "as_of": "2026-11-21"}
    if way.scheme is not None:
        more["scheme"] = way.scheme
    if way.multiplier is not None:
        more["multiplier"] = way.multiplier
    found = answer(kind.asked | more)
    assert (found["usd"] is None) is bool(found["error"])
    return found


@pytest.mark.parametrize("tier", ["standard", "batch"])
@pytest.mark.parametrize("name", KINDS)
def test_each_mode_and_tier_has_a_price_or_says_why_not_under_every_scheme(
    name: str, tier: str
) -> None:
    kind = KINDS[name]
    outcome = kind.standard if tier == "standard" else kind.batch
    for words, way in WAYS.items():
        for requests in (1, 7):
            found = _ask(kind, tier, way, requests)
            if not outcome[0].isdigit():
                assert outcome in found["error"], words
                assert found["lines"] == []
                continue
            with localcontext() as context:
                context.prec = 60
                direct = _ask(kind, tier, WAYS["direct"])
                call = way.on_call(Decimal(outcome), direct["lines"])
                total = _rounded(way.on_total(_rounded(call) * requests))
                lines = [Decimal(line["usd"]) for line in found["lines"]]
                assert Decimal(found["usd"]) == sum(lines) == total, words
            assert found["flags"] == [*kind.flags, *filter(None, [way.flag])], words
            assert found["book"] or kind.asked.get("mode") == "flat"


@pytest.mark.parametrize("name", KINDS)
def test_each_mode_refuses_a_tier_that_nobody_has_and_two_ways_of_a_factor(
    name: str,
) -> None:
    kind = KINDS[name]
    gold = _ask(kind, "gold", WAYS["direct"])["error"]
    assert "neither standard nor batch" in gold or kind.standard in gold
    both = Way(scheme=WAYS["multiplier"].scheme, multiplier="0.5")
    assert "exclude each other" in _ask(kind, "standard", both)["error"]


@pytest.mark.parametrize("name", KINDS)
def test_a_price_a_megapixel_is_for_whole_pictures_of_a_known_size(name: str) -> None:
    kind = KINDS[name]
    way = Way(scheme={"kind": "round_up", "to_megapixel": "1"})
    found = _ask(kind, "standard", way)
    if found["usd"] is not None:
        # One megapixel, so the price is the direct one.
        assert found["usd"] == kind.standard
        assert kind.asked["mode"] in {"flat", "per_image"}
    else:
        reasons = ("needs a price of whole pictures", kind.standard)
        assert any(reason in found["error"] for reason in reasons)


def test_what_is_open_has_its_range_under_every_scheme() -> None:
    for words, way in WAYS.items():
        found = _ask(KINDS["estimate, auto"], "standard", way)
        low, high = (
            _ask(
                Kind(asked=ESTIMATE | {"quality": quality}, standard="", batch=""),
                "standard",
                way,
            )["usd"]
            for quality in ("low", "high")
        )
        assert found["range_usd"] == {"low": low, "high": high}, words
        assert Decimal(found["bound_usd"]) >= Decimal(high)
