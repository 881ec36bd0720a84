"""Price questions: answers, refusals and what is no question at all."""

from datetime import date
from typing import Any

import pytest

from pricing.question import answer

TODAY = date(2026, 11, 21)
SQUARE = {"mode": "estimate", "size": "1024x1024"}
NO_INPUT = {
    "usage": {"input_text_tokens": 0, "input_image_tokens": 0},
}
GPT_1 = {"model": "gpt-image-1", "as_of": "2026-06-01"}


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    found = answer(question, today=TODAY)
    assert {"usd", "lines", "book", "flags", "error"} <= set(found)
    assert (found["usd"] is None) == (found["error"] is not None)
    return found


ESTIMATES = [
    (GPT_1, "low", "0.01088"),
    (GPT_1, "medium", "0.04224"),
    (GPT_1, "high", "0.1664"),
    ({"model": "gpt-image-1-mini"}, "low", "0.002176"),
    ({"model": "gpt-image-1-mini"}, "medium", "0.008448"),
    ({"model": "gpt-image-1-mini"}, "high", "0.03328"),
    ({"model": "gpt-image-2"}, "low", "0.00588"),
    ({"model": "gpt-image-2"}, "medium", "0.05268"),
    ({"model": "gpt-image-2"}, "high", "0.21072"),
    ({"model": "gpt-image-2", "tier": "batch"}, "high", "0.10536"),
    ({"model": "gpt-image-2-2026-04-21"}, "high", "0.21072"),
    ({"model": "gpt-image-2.5-flare"}, "low", "0.00588"),
    ({"model": "gpt-image-2.5-flare"}, "medium", "0.01317"),
    ({"model": "gpt-image-2.5-sunburst"}, "high", "0.05268"),
    ({"model": "gpt-image-2.5-sunburst"}, "xhigh", "0.09366"),
    ({"model": "gpt-image-2.5-sunburst"}, "max", "0.21072"),
    (GPT_1 | {"size": "1024x1536"}, "high", "0.2496"),
    (GPT_1 | {"size": "1536x1024"}, "low", "0.016"),
    ({"model": "gpt-image-2", "size": "2048x2048"}, "high", "0.42816"),
    ({"model": "gpt-image-2", "size": "3840x2160"}, "high", "0.40026"),
]


@pytest.mark.parametrize(("asked", "quality", "usd"), ESTIMATES)
def test_an_estimate_is_the_published_tokens_at_the_rate(
    asked: dict[str, Any], quality: str, usd: str
) -> None:
    found = _ask(SQUARE | NO_INPUT | {"quality": quality} | asked)
    assert (found["usd"], found["flags"]) == (usd, [])


@pytest.mark.parametrize(
    ("asked", "usd"),
    [
        ({"n": 4}, "0.16896"),
        ({"partial_images": 3}, "0.05424"),
        ({"n": 2, "partial_images": 1}, "0.09248"),
        ({"requests": 10_000}, "422.4"),
        ({"requests": 10_000, "multiplier": "0.5"}, "211.2"),
        ({"multiplier": "1.2"}, "0.050688"),
        ({"scheme": {"kind": "multiplier", "factor": "0.75"}}, "0.03168"),
        ({"scheme": [{"kind": "multiplier", "factor": "0.5"}]}, "0.02112"),
        ({"multiplier": "0"}, "0"),
        ({"multiplier": "0.3333333333333333333333333333"}, "0.01408"),
        ({"n": None, "tier": None, "requests": None}, "0.04224"),
    ],
)
def test_pictures_partials_requests_and_schemes_multiply(
    asked: dict[str, Any], usd: str
) -> None:
    found = _ask(SQUARE | GPT_1 | NO_INPUT | {"quality": "medium"} | asked)
    assert (found["usd"], found["error"]) == (usd, None)


def test_the_input_of_an_estimate_counts_as_given_and_pictures_n_times() -> None:
    pictures = [
        {"width": 1024, "height": 1024},
        {"width": 1024, "height": 1536, "fidelity": "high"},
    ]
    usage = {"input_text_tokens": 45, "cached_text_tokens": 0}
    found = _ask(
        SQUARE
        | GPT_1
        | {"quality": "low", "n": 2, "usage": usage, "input_images": pictures}
    )
    lines = {line["class"]: line["quantity"] for line in found["lines"]}
    assert lines == {
        "input_text": 45,
        "input_image": 2 * (194 + 6563),
        "output_image": 544,
    }
    assert found["flags"] == ["cache_unknown_upper_bound"]


def test_an_input_class_left_out_of_an_estimate_is_flagged() -> None:
    asked = SQUARE | {"model": "gpt-image-2", "quality": "low"}
    assert _ask(asked)["flags"] == ["input_unknown"]
    known = {"usage": {"input_text_tokens": 0}, "input_images": []}
    assert _ask(asked | known)["flags"] == []


def test_a_known_picture_input_makes_the_pictures_themselves_no_question() -> None:
    asked = {"model": "gpt-image-2", "quality": "low", "input_images": []}
    usage = {"input_text_tokens": 0, "input_image_tokens": 1000}
    pictures = [{"width": 1024, "height": 1024}]
    found = _ask(SQUARE | asked | {"usage": usage, "input_images": pictures})
    assert found["usd"] == "0.01388"


FULL_USAGE = {
    "input_text_tokens": 10,
    "cached_text_tokens": 0,
    "input_image_tokens": 0,
    "cached_image_tokens": None,
    "output_image_tokens": 196,
    "output_text_tokens": 0,
}


@pytest.mark.parametrize(
    ("change", "usd", "flags"),
    [
        ({}, "0.00593", []),
        ({"cached_text_tokens": 10}, "0.0058925", []),
        ({"cached_text_tokens": None}, "0.00593", ["cache_unknown_upper_bound"]),
        ({"input_image_tokens": 100}, "0.00673", ["cache_unknown_upper_bound"]),
        (
            {"input_text_tokens": None},
            "0.00588",
            ["input_unknown"],
        ),
    ],
)
def test_usage_is_priced_and_what_is_unknown_is_flagged(
    change: dict[str, Any], usd: str, flags: list[str]
) -> None:
    found = _ask({"model": "gpt-image-2", "usage": FULL_USAGE | change})
    assert (found["usd"], found["flags"]) == (usd, flags)


def test_the_guides_list_prices_10_000_medium_pictures_at_700() -> None:
    asked = {"mode": "per_image", "provider": "launch-2025", "images": 10_000}
    found = _ask(asked | {"quality": "medium", "size": "1536x1024"})
    assert found["usd"] == "700"
    assert found["book"]["vendor"] == "launch-2025"
    assert found["book"]["valid_from"] == "2025-04-23"
    half = _ask(asked | {"quality": "medium", "multiplier": "0.5"})
    assert [line["usd"] for line in half["lines"]] == ["700", "-350"]
    assert [line["quantity"] for line in half["lines"]] == [10_000, 10_000]
    assert half["usd"] == "350"


@pytest.mark.parametrize(
    ("asked", "usd"),
    [
        ({"flat_price": "0.03"}, "0.03"),
        ({"flat_price": "0.03", "images": 1000, "requests": 2}, "60"),
        ({"flat_price": "0.03", "images": 3, "multiplier": "0.5"}, "0.045"),
        ({"flat_price": "0", "model": "any", "quality": "low"}, "0"),
        ({"flat_price": "0.03", "api": "responses"}, "0.03"),
    ],
)
def test_a_flat_price_needs_no_book(asked: dict[str, Any], usd: str) -> None:
    found = _ask({"mode": "flat"} | asked)
    assert (found["usd"], found["book"]) == (usd, None)


MAINLINE = {
    "model": "gpt-5",
    "usage": {"input_tokens": 1000, "cached_tokens": 200, "output_tokens": 50},
}
IMAGE_TOOL = {"model": "gpt-image-2", "usage": FULL_USAGE}


def test_a_responses_call_is_both_models_and_names_both_books() -> None:
    asked = {"api": "responses", "mainline": MAINLINE}
    found = _ask(asked | {"tool_usage_image_gen": IMAGE_TOOL, "multiplier": "0.5"})
    assert found["usd"] == "0.0037275"
    assert [ref["valid_from"] for ref in found["book"]] == ["2025-08-07", "2026-04-21"]
    alone = _ask(asked)
    assert (alone["usd"], alone["flags"]) == ("0.001525", ["tool_usage_unknown"])
    assert len(alone["book"]) == 1


@pytest.mark.parametrize("name", ["q-1", 7, 0])
def test_the_id_is_echoed_also_in_a_refusal(name: str | int) -> None:
    assert _ask({"id": name, "model": "nope"})["id"] == name
    assert _ask({"id": name, "mode": "flat", "flat_price": "1"})["id"] == name


def test_auto_quality_is_refused_with_its_range() -> None:
    asked = SQUARE | NO_INPUT | {"model": "gpt-image-2", "requests": 100}
    for quality in ({"quality": "auto"}, {}):
        found = _ask(asked | quality)
        assert found["range_usd"] == {"low": "0.588", "high": "21.072"}
        assert found["bound_usd"] == "21.072"
    half = _ask(asked | {"multiplier": "0.5"})
    assert half["range_usd"] == {"low": "0.294", "high": "10.536"}


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        (GPT_1, "0.01088", "0.2496"),
        ({"model": "gpt-image-2"}, "0.00162", "0.71157"),
        ({"model": "gpt-image-2.5-flare", "n": 2}, "0.00324", "1.42314"),
    ],
)
def test_auto_quality_has_its_range_over_all_sizes_where_the_size_is_open_too(
    asked: dict[str, Any], low: str, high: str
) -> None:
    for size in ({"size": "auto"}, {}):
        found = _ask({"mode": "estimate", "quality": "auto"} | NO_INPUT | asked | size)
        assert found["range_usd"] == {"low": low, "high": high}
        assert found["bound_usd"] == high


@pytest.mark.parametrize(
    ("asked", "quantity", "bound"),
    [
        ({"model": "gpt-image-2.6-flare"}, "output_image_tokens", "0.21072"),
        ({"model": "gpt-image-2", "size": "auto"}, "size auto", "0.01977"),
        (
            {
                "model": "gpt-image-2",
                "usage": {"input_text_tokens": 0},
                "input_images": [{"width": 1024, "height": 1024}],
            },
            "input_image_tokens",
            "0.08588",
        ),
    ],
)
def test_an_unknown_quantity_is_named_and_bound_never_priced(
    asked: dict[str, Any], quantity: str, bound: str
) -> None:
    found = _ask(SQUARE | NO_INPUT | {"quality": "low"} | asked)
    assert quantity in found["error"]
    assert found["bound_usd"] == bound
    assert "range_usd" not in found


def test_today_is_the_default_day() -> None:
    asked = {"model": "gpt-image-1", "usage": FULL_USAGE}
    assert answer(asked, today=date(2026, 10, 22))["usd"] is not None
    assert answer(asked, today=date(2026, 10, 23))["usd"] is None
