"""Settled SVGs: the author's tokens in the charge, or nothing in their place."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench.attempt import Attempt, Picture, UsageSource
from bench.client.exchange import Exchange
from bench.client.understood import read
from bench.errors import BadInput
from bench.plan.frozen import Plan
from bench.plan.prices import priced_of
from bench.record import outcome_record
from bench.settle import Sending, settle
from bench.transport.stamps import RequestStamps
from pricing.book import shipped_book
from pricing.rates import TokenClass

DRAWN = base64.b64encode(b"<svg/>").decode()
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
    "output_tokens": 100,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 100},
}
AUTHOR = {
    "model": "gpt-5-mini",
    "input_tokens": 1_000,
    "output_tokens": 2_000,
    "reasoning_tokens": 500,
    "total_tokens": 3_000,
}
MAINLINE = {
    "input_tokens": 2_000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 100,
}
# 10 text tokens at 5 and 100 image tokens at 30, 1000 read at 0.25 and 2000 written
# at 2 USD a million.
PICTURE_USD, AUTHOR_USD = Decimal("0.00305"), Decimal("0.00425")
# 2000 read at 0.40 and 100 written at 1.60.
MAINLINE_USD = Decimal("0.00096")
FIXED = {
    "model": "gpt-image-2.6-flare",
    "size": "1024x1024",
    "output_format": "svg",
    "svg_model": "gpt-5-mini",
}
IN_RESPONSES = {"api": "responses", "mainline_model": "gpt-4.1-mini"}
DIRECT = {
    "name": "openai",
    "base_url": "https://api.openai.com/v1",
    "api_key_env": "OPENAI_API_KEY",
    "route": "direct",
    "prices": "openai",
    "api": ["images", "responses"],
}
DAY = date(2026, 11, 22)
SENT = RequestStamps(started_ns=0, sent_ns=1, last_byte_ns=9)
Planner = Callable[..., Plan]


def usd(thousands_in: int, rate_in: str, rate_out: str) -> Decimal:
    """So many thousand tokens read, and 128,000 written."""
    return (thousands_in * Decimal(rate_in) + 128 * Decimal(rate_out)) / 1_000


def planned(make_plan: Planner, **fixed: Any) -> Plan:
    return make_plan(endpoints=(DIRECT,), fixed={**FIXED, **fixed})


def settled(plan: Plan, body: dict[str, Any], size: tuple[int, int]) -> Attempt:
    answer = Exchange(stamps=SENT, status=200, body=orjson.dumps(body))
    trial = plan.trials[0]
    sending = Sending(
        planned=trial,
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=0,
        started_at="2026-11-22T12:00:00.000000Z",
    )
    seen = Picture(
        sha256="ab" * 32,
        n_bytes=6,
        format="svg",
        width_px=size[0],
        height_px=size[1],
        simulated=False,
        problem=None,
    )
    reading = read(answer)
    priced = priced_of(plan.prices, trial.trial.cell)
    return settle(sending, answer, reading, (seen,) * len(reading.pictures), priced)


def drawn(
    make_plan: Planner, size: tuple[int, int] = (1024, 1024), **said: Any
) -> Attempt:
    """An SVG of the Images API; what is None is not said."""
    whole = {"data": [{"b64_json": DRAWN}], "usage": USAGE, "svg_usage": AUTHOR, **said}
    body = {name: value for name, value in whole.items() if value is not None}
    return settled(planned(make_plan), body, size)


def answered(make_plan: Planner, *calls: dict[str, Any], **said: Any) -> Attempt:
    """An answer of the Responses API with such calls of the image tool."""
    items = [{"type": "image_generation_call", **call} for call in calls]
    body = {
        "id": "resp_1",
        "object": "response",
        "output": items,
        "usage": MAINLINE,
        "tool_usage": {"image_gen": USAGE},
        **said,
    }
    return settled(planned(make_plan, **IN_RESPONSES), body, (1024, 1024))


def test_the_author_is_charged_beside_the_picture_and_recorded(
    make_plan: Planner,
) -> None:
    attempt = drawn(make_plan)
    assert attempt.money.charge_usd == PICTURE_USD + AUTHOR_USD
    assert attempt.usage_source is UsageSource.REPORTED
    record = outcome_record(attempt)
    assert record["svg_input_tokens"] == 1_000
    assert record["svg_output_tokens"] == 2_000
    assert record["svg_reasoning_tokens"] == 500
    assert record["served_svg_model"] == "gpt-5-mini"
    assert not [flag for flag in record["flags"] if flag.startswith("svg")]


def test_mainline_image_model_and_author_are_charged_together(
    make_plan: Planner,
) -> None:
    attempt = answered(make_plan, {"result": DRAWN, "svg_usage": AUTHOR})
    whole_usd = PICTURE_USD + AUTHOR_USD + MAINLINE_USD
    assert attempt.money.charge_usd == whole_usd
    twice = {"result": DRAWN, "svg_usage": AUTHOR}
    attempt = answered(make_plan, twice, twice)
    assert attempt.money.charge_usd == whole_usd + AUTHOR_USD
    attempt = answered(make_plan, twice, {"result": DRAWN})
    assert attempt.money.charge_usd is None


def test_a_text_in_place_of_a_picture_had_no_author(make_plan: Planner) -> None:
    attempt = answered(make_plan, output=[{"type": "message"}])
    assert attempt.error_code == "no_image"
    assert attempt.money.charge_usd == MAINLINE_USD


@pytest.mark.parametrize(
    ("told", "flag"),
    [
        (None, "svg_usage_absent"),
        ("many", "svg_usage_absent"),
        ({**AUTHOR, "input_tokens": 0, "output_tokens": 0}, "svg_usage_zero"),
        ({**AUTHOR, "output_tokens": 0}, "svg_usage_zero"),
        ({**AUTHOR, "output_tokens": -1}, "svg_usage_unreadable"),
        ({**AUTHOR, "output_tokens": 10**13}, "svg_usage_unreadable"),
        ({**AUTHOR, "output_tokens": 2.5}, "svg_usage_unreadable"),
        ({**AUTHOR, "input_tokens": True}, "svg_usage_unreadable"),
        ({"model": "gpt-5-mini"}, "svg_usage_unreadable"),
    ],
)
def test_an_author_who_tells_nothing_leaves_the_charge_unknown_and_is_told_apart(
    make_plan: Planner, told: Any, flag: str
) -> None:
    attempt = drawn(make_plan, svg_usage=told)
    assert attempt.money.charge_usd is None
    assert attempt.usage_source is UsageSource.ABSENT
    # 272,000 in and 128,000 out of gpt-5-mini, beside the picture's own bound.
    assert attempt.money.possibly_billed_usd > Decimal("0.324")
    assert [f for f in attempt.money.flags if f.startswith("svg")] == [flag]
    assert attempt.usage["output_image_tokens"] == 100


def test_counts_that_contradict_themselves_are_charged_and_doubted(
    make_plan: Planner,
) -> None:
    for told in ({**AUTHOR, "total_tokens": 1}, {**AUTHOR, "reasoning_tokens": 2_001}):
        attempt = drawn(make_plan, svg_usage=told)
        assert attempt.money.charge_usd == PICTURE_USD + AUTHOR_USD
        assert "svg_usage_contradiction" in attempt.money.flags


def test_another_author_than_asked_is_doubted_but_a_snapshot_is_the_same(
    make_plan: Planner,
) -> None:
    for model, others in (
        ("gpt-5-mini", False),
        ("gpt-5-mini-2025-08-07", False),
        (None, False),
        ("gpt-5", True),
        ("gpt-5-mini-pro", True),
    ):
        attempt = drawn(make_plan, svg_usage={**AUTHOR, "model": model})
        assert ("svg_model_not_as_asked" in attempt.money.flags) == others, model
        assert attempt.money.charge_usd == PICTURE_USD + AUTHOR_USD


def test_an_author_of_an_answer_that_asked_for_none_is_doubted(
    make_plan: Planner,
) -> None:
    plan = make_plan()
    body = {"data": [{"b64_json": DRAWN}], "usage": USAGE, "svg_usage": AUTHOR}
    attempt = settled(plan, body, (1024, 1024))
    assert "svg_usage_unasked" in attempt.money.flags
    assert attempt.money.charge_usd == PICTURE_USD


def test_an_svg_of_another_scale_is_as_asked_and_one_of_another_shape_is_not(
    make_plan: Planner,
) -> None:
    for size, doubted in (((512, 512), False), ((64, 64), False), ((64, 32), True)):
        attempt = drawn(make_plan, size=size)
        assert ("size_not_as_asked" in attempt.money.flags) == doubted, size


def test_an_svg_is_bounded_by_all_that_its_author_may_read_and_write(
    make_plan: Planner,
) -> None:
    bounds = {
        author: planned(make_plan, svg_model=author).trials[0].bound_usd
        for author in ("gpt-5-nano", "gpt-5-mini", "gpt-5.4", "gpt-5.6-luna")
    }
    # So many tokens in and out, at the dollars that a million costs.
    nano, mini = usd(272, "0.05", "0.40"), usd(272, "0.25", "2")
    assert bounds["gpt-5-mini"] - bounds["gpt-5-nano"] == mini - nano
    # Above 272,000 tokens of input the rates of long ones hold.
    long = usd(1_050, "5", "22.50")
    assert bounds["gpt-5.4"] - bounds["gpt-5-nano"] == long - nano
    # What is written to the cache may be dearer than what is read.
    rates = shipped_book().card("openai", "gpt-5.6-luna", DAY).long_rates
    dearest, out = (
        format(rates[name].usd, "f")
        for name in (TokenClass.MAINLINE_CACHE_WRITE, TokenClass.MAINLINE_OUTPUT)
    )
    luna = usd(922, dearest, out)
    assert bounds["gpt-5.6-luna"] - bounds["gpt-5-nano"] == luna - nano
    plan = planned(make_plan)
    assert any("gpt-5-mini reads and writes" in r for r in plan.trials[0].why_bounded)


@pytest.mark.parametrize(
    ("author", "cure"),
    [
        ("gpt-99", "svg_model gpt-99: .*; name a text model that its book prices"),
        ("gpt-image-2", "svg_model: 'gpt-image-2' makes pictures and can't write an"),
        ("gpt-4.1-nano", "svg_model: gpt-4.1-nano was shut down on 2026-10-23"),
    ],
)
def test_an_author_that_can_not_be_asked_is_refused_with_the_cure(
    make_plan: Planner, author: str, cure: str
) -> None:
    with pytest.raises(BadInput, match=cure):
        planned(make_plan, svg_model=author)


def test_an_author_that_nothing_binds_is_refused_with_the_cure(
    make_plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A list of prices for any model knows no rules of this one.
    anybody = {**DIRECT, "prices": "launch-2025"}
    fixed = {"model": "some-model", "size": "1024x1024", "output_format": "svg"}
    with pytest.raises(BadInput, match="name it, such as svg_model: gpt-5-mini"):
        make_plan(endpoints=(anybody,), fixed=fixed)
    book = shipped_book()
    limits = {name: book.text_limits[name] for name in ("gpt-5", "gpt-5-nano")}
    less = replace(book, text_limits=limits)
    monkeypatch.setattr("bench.plan.mainline.shipped_book", lambda: less)
    said = "svg_model: .*'gpt-5-mini' may read and write; known are gpt-5, gpt-5-nano; "
    with pytest.raises(BadInput, match=f"{said}name one of them"):
        planned(make_plan)
