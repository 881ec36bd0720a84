"""Told costs: what an answer says that it cost, kept beside our charge."""

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench.attempt import Attempt, Picture, ReportedCost
from bench.client.exchange import Exchange
from bench.client.understood import read
from bench.plan.frozen import Plan
from bench.record import outcome_record
from bench.settle import Sending, settle
from bench.transport.stamps import RequestStamps
from bench.wire.cost import cost_of_body, cost_of_headers

Planner = Callable[..., Plan]
HEADER = "x-litellm-response-cost"
# 10 text in at 5 and 196 image out at 30 a million: 0.00005 + 0.00588.
CHARGE = "0.00593"
USAGE = {
    "input_tokens": 10,
    "output_tokens": 196,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
}
PICTURE = Picture(
    sha256="ab" * 32,
    n_bytes=9,
    format="png",
    width_px=1024,
    height_px=1024,
    simulated=False,
    problem=None,
)


def _body(usage: str) -> bytes:
    picture = base64.b64encode(b"a picture").decode()
    return f'{{"data":[{{"b64_json":"{picture}"}}],"usage":{usage}}}'.encode()


def _usage(**more: Any) -> str:
    return orjson.dumps(USAGE | more).decode()


def _settled(plan: Plan, usage: str, headers: dict[str, str] | None = None) -> Attempt:
    planned = plan.trials[0]
    sending = Sending(
        planned=planned,
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=500,
        started_at="2026-11-21T12:00:00.000000Z",
    )
    answer = Exchange(
        stamps=RequestStamps(started_ns=1_000, sent_ns=5_000, last_byte_ns=7_000),
        status=200,
        body=_body(usage),
        headers=headers or {},
    )
    cell = planned.trial.cell
    priced = plan.prices[cell.endpoint, cell.model]
    return settle(sending, answer, read(answer), (PICTURE,), priced)


def test_a_cost_in_a_header_stands_in_the_record_beside_ours(
    make_plan: Planner,
) -> None:
    attempt = _settled(make_plan(), _usage(), {HEADER: "0.008245"})
    record = outcome_record(attempt)
    assert Decimal(record["charge_usd"]) == Decimal(CHARGE)
    assert record["reported_usd"] == "0.008245"
    assert record["reported_usd_from"] == HEADER
    assert "cost_not_as_charged" in record["flags"]


def test_a_cost_that_is_ours_is_kept_without_a_remark(make_plan: Planner) -> None:
    # What a float makes of 0.00593 is the same to 12 decimals.
    for told in (CHARGE, "5.93e-03", "0.005930000000000000003"):
        attempt = _settled(make_plan(), _usage(), {HEADER: told})
        assert attempt.reported_cost == ReportedCost(usd=Decimal(told), source=HEADER)
        assert "cost_not_as_charged" not in attempt.money.flags


def test_an_answer_that_tells_no_cost_has_no_such_member(make_plan: Planner) -> None:
    record = outcome_record(_settled(make_plan(), _usage()))
    assert not [name for name in record if name.startswith("reported")]


def test_a_body_is_read_to_the_last_digit_and_never_as_a_float() -> None:
    digits = "0.0123456789012345678901234567890123456789"
    body = _body(_usage()[:-1] + f',"cost":{digits}}}')
    cost, flags = cost_of_body(body, orjson.loads(body)["usage"])
    assert flags == ()
    assert cost == ReportedCost(usd=Decimal(digits), source="usage.cost")


def test_ticks_of_xai_are_ten_thousand_millionths_of_a_dollar() -> None:
    # docs.x.ai: 200,000,000 ticks are 0.02 dollars; 37,756,000 are 0.0037756.
    for ticks, usd in ((200_000_000, "0.02"), (37_756_000, "0.0037756")):
        cost, _ = cost_of_body(b"{}", {"cost_in_usd_ticks": ticks})
        assert cost is not None
        assert cost.usd == Decimal(usd)


def test_a_header_is_believed_before_a_body_that_may_be_passed_on(
    make_plan: Planner,
) -> None:
    attempt = _settled(make_plan(), _usage(cost=1.5), {HEADER: "0.02"})
    assert attempt.reported_cost == ReportedCost(usd=Decimal("0.02"), source=HEADER)


def test_a_cost_is_kept_where_we_know_no_price_and_is_told_so(
    make_plan: Planner,
) -> None:
    # Counts that contradict each other leave our charge unknown.
    usage = _usage(
        input_tokens_details={
            "text_tokens": 10,
            "image_tokens": 0,
            "cached_tokens_details": {"text_tokens": 11},
        },
        cost=0.01,
    )
    attempt = _settled(make_plan(), usage)
    assert attempt.money.charge_usd is None
    assert attempt.reported_cost is not None
    assert "cost_not_as_charged" in attempt.money.flags


@pytest.mark.parametrize(
    "told",
    [
        "-0.01",
        "NaN",
        "Infinity",
        "1e400",
        "1e-99",
        "12345678901",
        "0x10",
        "0,01",
        "None",
        "٠.٠١",
        "",
        "1" * 5000,
    ],
)
def test_a_cost_that_is_no_amount_is_absent_with_a_remark(
    make_plan: Planner, told: str
) -> None:
    assert cost_of_headers({HEADER: told}) == (None, ("reported_cost_unreadable",))
    attempt = _settled(make_plan(), _usage(cost=told))
    assert attempt.reported_cost is None
    assert "reported_cost_unreadable" in attempt.money.flags
    assert attempt.money.charge_usd == Decimal(CHARGE)


@pytest.mark.parametrize("told", ["true", "[1]", '{"usd":1}', "1e308", "9" * 30])
def test_a_cost_of_a_body_that_is_no_amount_is_absent_with_a_remark(
    told: str,
) -> None:
    body = _body(_usage()[:-1] + f',"cost":{told}}}')
    found = cost_of_body(body, orjson.loads(body)["usage"])
    assert found == (None, ("reported_cost_unreadable",))
