"""Settled responses: two models' tokens in one charge, or in none."""

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
from bench.meter.secret import without_secret
from bench.plan.frozen import Plan
from bench.plan.prices import PricedModel
from bench.record import outcome_record
from bench.settle import Sending, settle
from bench.transport.stamps import RequestStamps
from pricing.book import shipped_book
from pricing.rates import TokenClass
from pricing.scheme import parse_scheme

DAY = date(2026, 11, 21)
PICTURE = base64.b64encode(b"a picture").decode()
DONE = {"type": "image_generation_call", "status": "completed", "result": PICTURE}
TEXT = {"type": "message"}
TOOL = {
    "input_tokens": 10,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
    "cached_tokens_details": {"cached_text_tokens": 0, "cached_image_tokens": 0},
    "output_tokens": 196,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
}
MAINLINE = {
    "input_tokens": 2_000,
    "input_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 0},
    "output_tokens": 100,
}
# gpt-image-2: 10 text in at 5 and 196 image out at 30 a million.
TOOL_USD = Decimal("0.00593")
SEEN = Picture(
    sha256="ab" * 32,
    n_bytes=9,
    format="png",
    width_px=1024,
    height_px=1024,
    simulated=False,
    problem=None,
)
SENT = RequestStamps(
    started_ns=0, write_started_ns=0, sent_ns=1_000_000_000, last_byte_ns=9_000_000_000
)
Planner = Callable[..., Plan]


def priced(**changes: Any) -> PricedModel:
    book = shipped_book()
    made = PricedModel(
        card=book.card("openai", "gpt-image-2", DAY),
        scheme=None,
        mainline=book.card("openai", "gpt-5.6-sol", DAY),
    )
    return replace(made, **changes)


def mainline_usd() -> Decimal:
    """1000 plain, 1000 cached in and 100 out at the shipped book's rates."""
    card = shipped_book().card("openai", "gpt-5.6-sol", DAY)
    plain, cached, out = (
        card.rates[TokenClass.MAINLINE_INPUT],
        card.rates[TokenClass.MAINLINE_CACHED],
        card.rates[TokenClass.MAINLINE_OUTPUT],
    )
    each = ((1_000, plain), (1_000, cached), (100, out))
    return sum((n * rate.usd / rate.per for n, rate in each), Decimal(0))


def settled(
    plan: Plan, *output: Any, prices: PricedModel | None = None, **said: Any
) -> Attempt:
    body = {
        "id": "resp_1",
        "object": "response",
        "output": list(output),
        "usage": MAINLINE,
        "tool_usage": {"image_gen": TOOL},
        **said,
    }
    answer = Exchange(stamps=SENT, status=200, body=orjson.dumps(body))
    sending = Sending(
        planned=plan.trials[0],
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=0,
        started_at="2026-11-21T12:00:00.000000Z",
    )
    pictures = (SEEN,) * output.count(DONE)
    return settle(sending, answer, read(answer), pictures, prices or priced())


def test_both_models_are_charged_and_recorded(make_plan: Planner) -> None:
    attempt = settled(make_plan(), DONE)
    assert attempt.money.charge_usd == TOOL_USD + mainline_usd()
    assert attempt.usage_source is UsageSource.REPORTED
    assert attempt.money.possibly_billed_usd == 0
    record = outcome_record(attempt)
    assert record["response_id"] == "resp_1"
    assert record["mainline_input_tokens"] == 2_000
    assert record["mainline_cached_tokens"] == 1_000
    assert record["mainline_cache_write_tokens"] == 0
    assert record["mainline_output_tokens"] == 100
    assert record["output_image_tokens"] == 196


def test_a_gateways_scheme_is_of_both_together(make_plan: Planner) -> None:
    half = parse_scheme({"kind": "multiplier", "factor": "0.5"})
    attempt = settled(make_plan(), DONE, prices=priced(scheme=half))
    assert attempt.money.list_usd == TOOL_USD + mainline_usd()
    assert attempt.money.charge_usd == (TOOL_USD + mainline_usd()) / 2


@pytest.mark.parametrize(
    ("asked", "told", "is_priced"),
    [
        (None, None, True),
        ("auto", "default", True),
        ("flex", "default", True),
        ("auto", "priority", False),
        (None, "flex", False),
        ("priority", None, False),
        (None, "batch", False),
    ],
)
def test_a_tier_without_rates_in_the_book_is_charged_at_no_others(
    make_plan: Planner, asked: str | None, told: str | None, *, is_priced: bool
) -> None:
    plan = make_plan()
    trial = plan.trials[0].trial
    named = () if asked is None else (("service_tier", asked),)
    cell = replace(trial.cell, parameters=(*trial.cell.parameters, *named))
    planned = replace(plan.trials[0], trial=replace(trial, cell=cell))
    attempt = settled(replace(plan, trials=(planned,)), DONE, service_tier=told)
    assert (attempt.money.charge_usd is not None) == is_priced
    assert ("service_tier_unpriced" in attempt.money.flags) != is_priced
    held = 0 if is_priced else planned.bound_usd
    assert attempt.money.possibly_billed_usd == held
    assert attempt.usage["output_image_tokens"] == 196


def test_a_tool_that_tells_nothing_is_charged_by_the_published_rule(
    make_plan: Planner,
) -> None:
    plan = make_plan()
    expected = plan.trials[0].expected
    assert expected is not None
    attempt = settled(plan, DONE, tool_usage=None)
    assert attempt.usage_source is UsageSource.ESTIMATED
    assert "tool_usage_absent" in attempt.money.flags
    assert attempt.usage["output_image_tokens"] == expected["output_image_tokens"]
    assert attempt.money.charge_usd is not None
    assert attempt.money.charge_usd > mainline_usd()


def test_each_of_several_pictures_counts_whether_their_tokens_are_told_or_not(
    make_plan: Planner,
) -> None:
    plan = make_plan()
    expected = plan.trials[0].expected
    assert expected is not None
    n_tokens = expected["output_image_tokens"]
    assert n_tokens is not None
    told = settled(plan, DONE, DONE)
    assert (told.money.charge_usd, len(told.pictures)) == (TOOL_USD + mainline_usd(), 2)
    assert "images_not_as_asked" in told.money.flags
    one = settled(plan, DONE, tool_usage=None).money.charge_usd
    untold = settled(plan, DONE, DONE, tool_usage=None)
    assert one is not None
    assert untold.usage_source is UsageSource.ESTIMATED
    assert untold.usage["output_image_tokens"] == 2 * n_tokens
    assert untold.money.charge_usd == 2 * (one - mainline_usd()) + mainline_usd()
    # The endpoint made one of the four that were asked for.
    trial = plan.trials[0].trial
    cell = replace(trial.cell, parameters=(*trial.cell.parameters, ("n", 4)))
    four = {name: count and 4 * count for name, count in expected.items()}
    asked = replace(plan.trials[0], trial=replace(trial, cell=cell), expected=four)
    alone = settled(replace(plan, trials=(asked,)), DONE, tool_usage=None)
    assert alone.money.charge_usd == one


@pytest.mark.parametrize(
    "told",
    [
        {"cached_tokens": 2_001},
        {"cached_tokens": 1_500, "cache_write_tokens": 501},
    ],
)
def test_more_tokens_from_the_cache_than_went_in_leave_the_charge_unknown(
    make_plan: Planner, told: dict[str, int]
) -> None:
    plan = make_plan()
    usage = {**MAINLINE, "input_tokens_details": told}
    attempt = settled(plan, DONE, usage=usage)
    assert attempt.money.charge_usd is None
    assert "usage_not_priceable" in attempt.money.flags
    assert attempt.money.possibly_billed_usd == plan.trials[0].bound_usd
    tool = {**TOOL, "cached_tokens_details": {"cached_text_tokens": 11}}
    attempt = settled(plan, DONE, tool_usage={"image_gen": tool})
    assert attempt.money.charge_usd is None


@pytest.mark.parametrize("unknown", ["tool", "mainline"])
def test_without_a_rule_the_bound_stays_and_what_is_known_is_recorded(
    make_plan: Planner, unknown: str
) -> None:
    plan = make_plan()
    if unknown == "tool":
        planned = replace(plan.trials[0], expected=None)
        plan = replace(plan, trials=(planned,))
        attempt = settled(plan, DONE, tool_usage=None)
        assert attempt.usage["mainline_input_tokens"] == 2_000
    else:
        attempt = settled(plan, DONE, usage=None)
        assert attempt.usage["output_image_tokens"] == 196
    assert attempt.usage_source is UsageSource.ABSENT
    assert attempt.money.charge_usd is None
    assert attempt.money.list_usd is None
    assert attempt.money.possibly_billed_usd == plan.trials[0].bound_usd


def test_a_text_in_place_of_a_picture_costs_the_text_models_tokens(
    make_plan: Planner,
) -> None:
    for tool_usage in (None, {"image_gen": dict.fromkeys(TOOL, 0)}):
        attempt = settled(make_plan(), TEXT, tool_usage=tool_usage)
        assert attempt.error_code == "no_image"
        assert attempt.money.charge_usd == mainline_usd()
        assert attempt.usage_source is UsageSource.REPORTED


def test_a_text_where_whole_pictures_are_priced_is_charged_as_no_picture(
    make_plan: Planner,
) -> None:
    whole = shipped_book().card("openai", "dall-e-3", date(2026, 5, 1))
    assert whole.images
    plan = make_plan()
    trial = plan.trials[0].trial
    asked = (("quality", "standard"), ("size", "1024x1024"))
    trial = replace(trial, cell=replace(trial.cell, parameters=asked))
    planned = replace(plan.trials[0], trial=trial, expected={})
    plan = replace(plan, trials=(planned,))
    drawn = settled(plan, DONE, tool_usage=None, prices=priced(card=whole))
    assert drawn.money.charge_usd == Decimal("0.04") + mainline_usd()
    attempt = settled(plan, TEXT, tool_usage=None, prices=priced(card=whole))
    # Whether a seller of pictures charges for none is nowhere written.
    assert attempt.money.charge_usd is None
    assert attempt.money.possibly_billed_usd == planned.bound_usd
    assert attempt.usage_source is UsageSource.ABSENT


def test_whole_pictures_are_charged_by_those_that_came(make_plan: Planner) -> None:
    whole = shipped_book().card("openai", "dall-e-3", date(2026, 5, 1))
    plan = make_plan()
    trial = plan.trials[0].trial
    asked = (("n", 4), ("quality", "standard"), ("size", "1024x1024"))
    trial = replace(trial, cell=replace(trial.cell, parameters=asked))
    planned = replace(plan.trials[0], trial=trial, expected={})
    for n_came in (1, 2, 4):
        attempt = settled(
            replace(plan, trials=(planned,)),
            *(DONE,) * n_came,
            tool_usage=None,
            prices=priced(card=whole),
        )
        came_usd = n_came * Decimal("0.04")
        assert attempt.money.charge_usd == came_usd + mainline_usd()
        assert ("images_not_as_asked" in attempt.money.flags) == (n_came < 4)


def test_partial_pictures_are_timed_where_their_bytes_came(make_plan: Planner) -> None:
    early = orjson.dumps(
        {"type": "image_generation.partial_image", "b64_json": PICTURE}
    )
    event = b"data: " + early + b"\n\n"
    answer = Exchange(
        stamps=SENT,
        status=200,
        headers={"content-type": "text/event-stream"},
        body=2 * event,
        failure="timeout",
        arrived=(
            (len(event) - 1, 2_000_000_000),
            (len(event), 3_000_000_000),
            (2 * len(event), 4_500_000_000),
        ),
    )
    sending = Sending(
        planned=make_plan().trials[0],
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=0,
        started_at="2026-11-21T12:00:00.000000Z",
    )
    attempt = settle(sending, answer, read(answer), (), priced(mainline=None))
    assert (attempt.error_code, attempt.partials_s) == ("cut_body", (2.0, 3.5))
    assert attempt.stamps.first_partial_s == 2.0
    assert outcome_record(attempt)["partials_s"] == [2.0, 3.5]
    # Where nobody stamped the body nothing is said of its parts.
    blind = replace(answer, arrived=())
    attempt = settle(sending, blind, read(blind), (), priced(mainline=None))
    assert (attempt.partials_s, attempt.stamps.first_partial_s) == ((), None)


def test_a_key_that_comes_back_as_an_id_is_not_recorded(make_plan: Planner) -> None:
    attempt = settled(make_plan(), DONE, id="resp_sk-0123456789")
    assert attempt.response_id == "resp_sk-0123456789"
    assert without_secret(attempt, "sk-0123456789").response_id == "resp_[key]"
