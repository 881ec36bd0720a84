"""Cost bugs of the field: the numbers of public issues, as they should come out."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bench.wire.usage import read_usage
from pricing.book import PriceBook, shipped_book
from pricing.question import answer

TODAY = "2026-11-21"
NO_INPUT = {"input_text_tokens": 0, "input_image_tokens": 0}
# Rates of a model that no shipped book holds, as the issue gives them.
GEMINI_PRO = """
vendor = "vertex"
kind = "mainline"
checked_on = 2025-09-24
source = "issue"
confidence = "medium"
[sources]
issue = "litellm#14849, which quotes the Vertex price page"
[[model]]
name = "gemini-2.5-pro"
released = 2025-09-24
[[model.card]]
tier = "standard"
[model.card.rates]
mainline_input = "1.25"
mainline_cached = "0.625"
mainline_output = "10.00"
"""


def _ask(book: PriceBook | None = None, /, **asked: Any) -> dict[str, Any]:
    return answer({"as_of": TODAY, **asked}, book)


def _reported(model: str, usage: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """The answer to the usage of a body, read as the harness reads it."""
    counts, _ = read_usage(usage)
    assert counts is not None
    return _ask(model=model, usage=dict(counts), **asked)


def _lines(found: dict[str, Any]) -> dict[str, str]:
    return {line["class"]: line["usd"] for line in found["lines"]}


def test_gpt_image_1_is_priced_by_tokens_and_not_by_pixels() -> None:
    # litellm#13847, PR#17906: 0.042 by pixels; 150 x 5 + 8,000 x 40 = 0.32075.
    usage = {
        "input_tokens": 150,
        "output_tokens": 8000,
        "input_tokens_details": {"text_tokens": 150, "image_tokens": 0},
    }
    found = _reported("gpt-image-1", usage, as_of="2025-12-12")
    assert found["usd"] == "0.32075"


def test_output_without_a_breakdown_is_image_output() -> None:
    # litellm#18541, #31142: 1,056 tokens at the text rate 10 instead of 32.
    usage = {
        "input_tokens": 23,
        "output_tokens": 1056,
        "input_tokens_details": {"text_tokens": 23, "image_tokens": 0},
        "output_tokens_details": None,
    }
    found = _reported("gpt-image-1.5", usage)
    assert _lines(found) == {"input_text": "0.000115", "output_image": "0.033792"}
    assert found["usd"] == "0.033907"


def test_text_output_is_not_charged_at_the_image_rate() -> None:
    # litellm#21902: 335 text and 6,208 image tokens out; all at 32 would be 0.20937.
    usage = {
        "prompt_tokens": 357,
        "completion_tokens": 6543,
        "prompt_tokens_details": {"text_tokens": 34, "image_tokens": 323},
        "completion_tokens_details": {"text_tokens": 335, "image_tokens": 6208},
    }
    for provider in ("openai", "azure"):
        found = _reported("gpt-image-1.5", usage, provider=provider)
        assert _lines(found)["output_text"] == "0.00335"
        assert found["usd"] == "0.20476"


def test_both_namings_of_a_breakdown_are_read() -> None:
    # litellm PR#19515: 0.046 where 169 x 5 + 439 x 10 + 4,160 x 32 = 0.138355.
    usage = {
        "input_tokens": 169,
        "output_tokens": 4599,
        "input_tokens_details": {"text_tokens": 169, "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 439, "image_tokens": 4160},
    }
    named_otherwise = {
        key.replace("input", "prompt").replace("output", "completion"): value
        for key, value in usage.items()
    }
    assert _reported("gpt-image-1.5", usage)["usd"] == "0.138355"
    assert _reported("gpt-image-1.5", named_otherwise)["usd"] == "0.138355"


def test_cached_tokens_are_not_charged_twice() -> None:
    # litellm#14849: 0.7642 where 5,005 x 1.25 + 257,955 x 0.625 + 1,744 x 10 = 0.1849.
    book = shipped_book().with_own({"vertex.toml": GEMINI_PRO})
    used = {"input_tokens": 262_960, "cached_tokens": 257_955, "output_tokens": 1744}
    found = _ask(
        book,
        api="responses",
        provider="vertex",
        mainline={"model": "gemini-2.5-pro", "usage": used},
    )
    assert found["usd"] == "0.184918125"


def test_input_pictures_are_charged_and_not_only_the_prompt() -> None:
    # litellm PR#18153: 4 text tokens were charged, 258 of the picture were not.
    usage = {"input_text_tokens": 4, "input_image_tokens": 258}
    found = _ask(
        provider="google",
        model="gemini-2.5-flash-image",
        usage=usage | {"output_image_tokens": 0},
    )
    assert _lines(found) == {"input_text": "0.0000012", "input_image": "0.0000774"}


def test_gemini_pictures_are_not_charged_at_the_text_rate() -> None:
    # litellm#17410: 1,120 image tokens at 12 instead of 120; reasoning is text.
    usage = {
        "completion_tokens": 1345,
        "prompt_tokens": 10,
        "prompt_tokens_details": {"text_tokens": 10},
        "completion_tokens_details": {"text_tokens": 225, "image_tokens": 1120},
    }
    found = _reported("gemini-3-pro-image", usage, provider="google")
    assert _lines(found)["output_image"] == "0.1344"
    assert found["usd"] == "0.13712"


def test_a_picture_of_a_responses_call_is_charged_at_the_image_rate() -> None:
    # auto_ai_router PR#76: 0.0030339 where 0.0604899 is right, both at 0.9 of the list.
    usage = {
        "input_text_tokens": 22,
        "cached_text_tokens": 0,
        "input_image_tokens": 0,
        "output_image_tokens": 1120,
        "output_text_tokens": 0,
    }
    asked = {"provider": "google", "model": "gemini-3.1-flash-image", "usage": usage}
    assert _ask(**asked, multiplier="0.9")["usd"] == "0.0604899"


def test_the_image_tool_of_a_responses_call_is_added_to_the_mainline() -> None:
    # new-api#1797, sub2api#4644: tool_usage.image_gen was left out, or overwrote.
    tool = {
        "model": "gpt-image-2",
        "usage": NO_INPUT | {"output_image_tokens": 1756},
    }
    asked = {
        "api": "responses",
        "mainline": {
            "model": "gpt-5",
            "usage": {"input_tokens": 1000, "cached_tokens": 0, "output_tokens": 50},
        },
    }
    alone, both = _ask(**asked), _ask(**asked, tool_usage_image_gen=tool)
    assert (alone["usd"], alone["flags"]) == ("0.00175", ["tool_usage_unknown"])
    assert (both["usd"], both["flags"]) == ("0.05443", [])


def test_a_gateway_that_reports_717_tokens_is_seen_against_the_rule() -> None:
    # new-api#4474: OpenAI's own answer and calculator say 201 for 3472x1488 low.
    asked = {"model": "gpt-image-2", "mode": "estimate", "quality": "low"}
    rule = _ask(**asked, size="3472x1488", usage=NO_INPUT)
    reported = _ask(model="gpt-image-2", usage=NO_INPUT | {"output_image_tokens": 717})
    assert rule["lines"][0]["quantity"] == 201
    assert (rule["usd"], reported["usd"]) == ("0.00603", "0.02151")
    wide = _ask(**asked, size="2560x1440", usage=NO_INPUT)
    assert wide["lines"][0]["quantity"] == 205


def test_the_usage_at_the_end_of_a_stream_is_not_near_zero_without_its_details() -> (
    None
):
    # litellm#18980: a stream's usage lost its image details, so the cost was near 0.
    usage = {"input_tokens": 20, "output_tokens": 372, "total_tokens": 392}
    asked = {"as_of": "2026-06-01"}
    streamed = _reported("gpt-image-1", usage, **asked)
    details = {"text_tokens": 20, "image_tokens": 0}
    whole = _reported("gpt-image-1", usage | {"input_tokens_details": details}, **asked)
    assert streamed["usd"] == whole["usd"] == "0.01498"


def test_the_total_is_not_charged_as_output_and_must_be_the_sum() -> None:
    # langfuse#8020: 1,106 tokens in all were taken for the output of 1,056.
    usage = {"input_tokens": 50, "output_tokens": 1056, "total_tokens": 1106}
    found = _reported("gpt-image-1", usage, as_of="2026-06-01")
    assert found["usd"] == "0.04249"
    _, flags = read_usage(usage)
    assert "usage_contradiction" not in flags
    _, flags = read_usage(usage | {"output_tokens": 1106})
    assert "usage_contradiction" in flags


def test_a_picture_whose_usage_a_gateway_dropped_is_estimated_and_never_free() -> None:
    # llmgateway#4177, claude-code-hub PR#1118: no usage, or one of nothing but 0.
    for dropped in (None, {}, {"input_tokens": 0, "output_tokens": 0}):
        assert read_usage(dropped)[0] is None
    asked = {"model": "gpt-image-2", "quality": "medium", "size": "1024x1024"}
    assert _ask(model="gpt-image-2")["usd"] is None
    assert _ask(**asked, mode="estimate", usage=NO_INPUT)["usd"] == "0.05268"


def test_partial_images_are_counted_once() -> None:
    # bifrost#4777: 272 without a stream, 372 with one: usage already holds the partial.
    asked = {"model": "gpt-image-1", "as_of": "2026-06-01"}
    estimate = {"mode": "estimate", "quality": "low", "size": "1024x1024"}
    planned = _ask(**asked, **estimate, partial_images=1, usage=NO_INPUT)
    reported = _ask(**asked, usage=NO_INPUT | {"output_image_tokens": 372})
    assert planned["usd"] == reported["usd"] == "0.01488"


def test_text_and_picture_input_have_rates_of_their_own() -> None:
    # ComfyUI PR#13519: every input token at 8; 100 text tokens are 0.0005, not 0.0008.
    usage = {
        "input_text_tokens": 100,
        "cached_text_tokens": 0,
        "input_image_tokens": 1000,
        "cached_image_tokens": 0,
        "output_image_tokens": 196,
    }
    lines = _lines(_ask(model="gpt-image-2", usage=usage))
    assert (lines["input_text"], lines["input_image"]) == ("0.0005", "0.008")


def test_cached_text_is_not_charged_at_the_rate_of_cached_pictures() -> None:
    # langfuse PR#14123: 2.00 was proposed where the page says 1.25.
    rates = shipped_book().card("openai", "gpt-image-2", date(2026, 11, 21)).rates
    assert {str(name): str(rate.usd) for name, rate in rates.items()} == {
        "input_text": "5.00",
        "cached_text": "1.25",
        "input_image": "8.00",
        "cached_image": "2.00",
        "output_image": "30.00",
    }


def test_a_rate_that_nobody_published_is_not_invented() -> None:
    # llmgateway PR#2059: text output of gpt-image-2 at 10; Helicone PR#5003: 10 and 40.
    usage = NO_INPUT | {"output_image_tokens": 196, "output_text_tokens": 5}
    found = _ask(model="gpt-image-2", usage=usage)
    assert found["usd"] is None
    assert "output_text" in found["error"]


@pytest.mark.parametrize(
    "model", ["gpt-image-3", "gpt-image-2.5", "gpt-image-2-vip", "sora_image"]
)
def test_an_unknown_model_costs_nothing_known_and_never_zero(model: str) -> None:
    # litellm#26863, #10013, #10221, #13209; pydantic-ai#6807.
    found = _ask(model=model, usage=NO_INPUT | {"output_image_tokens": 196})
    assert found["usd"] is None
    assert model in found["error"]


def test_zero_and_unknown_usage_are_two_answers() -> None:
    # laravel/ai PR#1024, jac#9385: not reported is not nought.
    zero = _ask(model="gpt-image-2", usage=NO_INPUT | {"output_image_tokens": 0})
    unknown = _ask(model="gpt-image-2", usage=NO_INPUT)
    assert (zero["usd"], unknown["usd"]) == ("0", None)


def test_auto_quality_is_a_range_and_not_free() -> None:
    # litellm#10335: quality or size auto gave no cost at all.
    found = _ask(
        model="gpt-image-2",
        mode="estimate",
        quality="auto",
        size="1024x1024",
        usage=NO_INPUT,
    )
    assert found["usd"] is None
    assert found["range_usd"] == {"low": "0.00588", "high": "0.21072"}


@pytest.mark.parametrize(
    ("size", "tokens"),
    [("3840x2160", 13342), ("3072x1024", 3952), ("2048x2048", 14272)],
)
def test_free_sizes_are_priced_by_the_rule_and_not_by_a_table(
    size: str, tokens: int
) -> None:
    # litellm#26876: a table of quality and size can't hold every size.
    found = _ask(
        model="gpt-image-2", mode="estimate", quality="high", size=size, usage=NO_INPUT
    )
    quantity = found["lines"][0]["quantity"]
    assert quantity == tokens
    assert Decimal(found["usd"]) == Decimal(quantity) * 30 / 1_000_000


def test_a_reseller_is_priced_by_quality_and_size_and_not_flat() -> None:
    # litellm#37738: 0.145 for each picture of gpt-image-2 at fal.
    asked = {"provider": "fal", "model": "openai/gpt-image-2", "mode": "per_image"}
    usd = {
        (quality, size): _ask(**asked, quality=quality, size=size)["usd"]
        for quality in ("low", "high")
        for size in ("1024x1024", "3840x2160")
    }
    assert list(usd.values()) == ["0.006", "0.012", "0.211", "0.401"]


@pytest.mark.parametrize(
    ("asked", "usd"),
    [
        ({"model": "gpt-image-2", "mode": "estimate", "quality": "low"}, "0.00441"),
        ({"provider": "fal", "mode": "per_image", "quality": "low"}, "0.0045"),
        ({"mode": "flat", "flat_price": "0.03"}, "0.0225"),
    ],
)
def test_a_discount_reaches_pictures_in_every_mode(
    asked: dict[str, Any], usd: str
) -> None:
    # litellm#34731: the image branch left out discounts and margins.
    if asked["mode"] == "estimate":
        asked = asked | {"usage": NO_INPUT}
    if asked["mode"] != "flat":
        asked = {"model": "gpt-image-2", "size": "1024x1024", **asked}
    assert _ask(**asked, multiplier="0.75")["usd"] == usd


def test_a_picture_is_charged_by_tokens_or_by_the_piece_and_never_both() -> None:
    # auto_ai_router PR#134: the text rate on all tokens and a flat price besides.
    by_piece = [card for card in shipped_book().cards if card.images]
    assert by_piece
    for card in by_piece:
        assert {str(name) for name in card.rates} <= {"input_text", "input_image"}
    usage = {"output_image_tokens": 196}
    asked = {"provider": "fal", "model": "fal-ai/gpt-image-1", "usage": usage}
    assert _ask(**asked)["usd"] is None
    sized = {"mode": "per_image", "quality": "low", "size": "1024x1024"}
    assert "don't belong" in _ask(**asked, **sized)["error"]


def test_a_picture_of_dall_e_2_is_two_cents_exactly() -> None:
    # tokencost: 1.9e-8 a pixel x 1,048,576 = 0.019922944; litellm: azure's is free.
    asked = {"model": "dall-e-2", "mode": "per_image", "size": "1024x1024"}
    assert _ask(**asked, as_of="2026-01-01")["usd"] == "0.02"
    assert _ask(**asked, provider="azure")["usd"] == "0.02"


def test_a_dead_model_still_prices_old_bills() -> None:
    # litellm took the rows of DALL-E away, so that old bills have no price.
    asked = {"model": "dall-e-3", "mode": "per_image", "quality": "hd"}
    assert _ask(**asked, size="1792x1024", as_of="2024-06-01")["usd"] == "0.12"


def test_a_long_prompt_to_a_newer_model_is_charged_at_the_long_rate() -> None:
    # Found by our own comparison: above 272,000 input tokens GPT-6 costs double.
    used = {"input_tokens": 272_001, "cached_tokens": 0, "cache_write_tokens": 0}
    asked = {"model": "gpt-6-sol", "usage": used | {"output_tokens": 100}}
    found = _ask(api="responses", mainline=asked)
    assert found["usd"] == "1.089504"
