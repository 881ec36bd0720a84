"""Settle: an answer made into an attempt, with its money."""

import base64
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.attempt import Attempt, Billing, Outcome, Picture, UsageSource
from bench.client.exchange import Exchange
from bench.client.understood import cancelled, read
from bench.meter.secret import without_secret
from bench.plan.frozen import Plan, PlannedTrial
from bench.settle import Sending, durations, settle
from bench.transport.stamps import RequestStamps

USAGE = {
    "input_tokens": 10,
    "output_tokens": 196,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
}
# 10 text in at $5 and 196 image out at $30 a million.
CHARGE_USD = Decimal("0.00593")
PICTURE = Picture(
    sha256="ab" * 32,
    n_bytes=9,
    format="png",
    width_px=1024,
    height_px=1024,
    simulated=False,
    problem=None,
)
SENT = RequestStamps(
    started_ns=1_000,
    connect_started_ns=2_000,
    connected_ns=3_000,
    write_started_ns=4_000,
    sent_ns=5_000,
    first_byte_ns=6_000,
    last_byte_ns=7_000,
)
UNSENT = RequestStamps(started_ns=1_000, connect_started_ns=2_000)
Planner = Callable[..., Plan]


def _body(n: int = 1, **members: Any) -> bytes:
    item = {"b64_json": base64.b64encode(b"a picture").decode()}
    return orjson.dumps({"data": [item] * n, **members})


def _answer(
    body: bytes | None = None, status: int | None = 200, **more: Any
) -> Exchange:
    return Exchange(stamps=more.pop("stamps", SENT), status=status, body=body, **more)


def _settle(
    plan: Plan,
    answer: Exchange,
    *pictures: Picture,
    planned: PlannedTrial | None = None,
) -> Attempt:
    planned = planned or plan.trials[0]
    sending = Sending(
        planned=planned,
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=500,
        started_at="2026-11-21T12:00:00.000000Z",
    )
    cell = planned.trial.cell
    priced = plan.prices[cell.endpoint, cell.model]
    return settle(sending, answer, read(answer), pictures, priced)


def test_a_good_answer_is_charged_by_its_usage(make_plan: Planner) -> None:
    attempt = _settle(make_plan(), _answer(_body(usage=USAGE)), PICTURE)
    assert (attempt.outcome, attempt.billing) == (Outcome.OK, Billing.BILLED)
    assert attempt.money.charge_usd == attempt.money.list_usd == CHARGE_USD
    assert attempt.money.possibly_billed_usd == 0
    assert attempt.usage_source is UsageSource.REPORTED
    assert attempt.usage["output_image_tokens"] == 196
    assert attempt.money.flags == ("cache_unknown_upper_bound",)
    assert (attempt.served.size, attempt.served.format) == ("1024x1024", "png")


def test_a_gateway_is_charged_at_its_price_and_listed_at_the_direct_one(
    make_plan: Planner,
) -> None:
    scheme = {"kind": "multiplier", "factor": "0.5"}
    half = {
        "name": "half",
        "base_url": "https://half.example/v1",
        "api_key_env": "K",
        "route": "gateway",
        "prices": {"of": "openai", "scheme": scheme},
    }
    plan = make_plan(endpoints=(half,))
    attempt = _settle(plan, _answer(_body(usage=USAGE)), PICTURE)
    assert attempt.money.charge_usd == CHARGE_USD / 2
    assert attempt.money.list_usd == CHARGE_USD


@pytest.mark.parametrize(
    ("usage", "flag"),
    [
        ({}, None),
        ({"usage": None}, None),
        ({"usage": {"input_tokens": 0, "output_tokens": 0}}, "usage_zero"),
        ({"usage": {"input_tokens": "10", "output_tokens": 196}}, "usage_unreadable"),
        ({"usage": {**USAGE, "output_tokens": 10**13}}, "usage_unreadable"),
    ],
)
def test_a_picture_without_usage_is_charged_by_the_rule(
    make_plan: Planner, usage: dict[str, Any], flag: str | None
) -> None:
    plan = make_plan()
    attempt = _settle(plan, _answer(_body(**usage)), PICTURE)
    assert attempt.usage_source is UsageSource.ESTIMATED
    assert attempt.usage == plan.trials[0].expected
    assert attempt.money.charge_usd is not None
    assert 0 < attempt.money.charge_usd <= plan.trials[0].bound_usd
    assert attempt.money.possibly_billed_usd == 0
    assert flag is None or flag in attempt.money.flags


def test_without_usage_and_without_a_rule_the_bound_is_held(make_plan: Planner) -> None:
    plan = make_plan(fixed={"model": "gpt-image-2", "size": "auto"})
    planned = replace(plan.trials[0], expected=None)
    attempt = _settle(plan, _answer(_body()), PICTURE, planned=planned)
    assert (attempt.outcome, attempt.billing) == (Outcome.OK, Billing.BILLED)
    assert attempt.usage_source is UsageSource.ABSENT
    assert attempt.usage == {}
    assert attempt.money.charge_usd is None
    assert attempt.money.list_usd is None
    assert attempt.money.possibly_billed_usd == planned.bound_usd > 0


def test_a_usage_that_can_not_be_priced_leaves_the_charge_unknown(
    make_plan: Planner,
) -> None:
    plan = make_plan()
    cached = {"cached_tokens_details": {"text_tokens": 11, "image_tokens": 0}}
    details = {**USAGE["input_tokens_details"], **cached}
    body = _body(usage={**USAGE, "input_tokens_details": details})
    attempt = _settle(plan, _answer(body), PICTURE)
    assert attempt.money.charge_usd is None
    assert attempt.money.possibly_billed_usd == plan.trials[0].bound_usd
    assert "usage_not_priceable" in attempt.money.flags


def test_a_charge_above_its_bound_is_flagged(make_plan: Planner) -> None:
    dear = {"input_tokens": 10, "output_tokens": 10**9}
    attempt = _settle(make_plan(), _answer(_body(usage=dear)), PICTURE)
    assert "above_bound" in attempt.money.flags
    assert attempt.money.charge_usd is not None
    assert attempt.money.charge_usd > 29_000


CUT: dict[str, Any] = {"failure": "broken", "message": "peer closed"}
LATE: dict[str, Any] = {"failure": "timeout", "message": "no whole answer within 3 s"}


@pytest.mark.parametrize(
    ("answer", "outcome", "billing"),
    [
        (_answer(None, **CUT), Outcome.UNUSABLE, Billing.BILLED_UNUSABLE),
        (_answer(None, **LATE), Outcome.UNUSABLE, Billing.BILLED_UNUSABLE),
        (_answer(None, None, **CUT), Outcome.LOST, Billing.POSSIBLY_BILLED),
        (_answer(None, None, **LATE), Outcome.TIMED_OUT, Billing.POSSIBLY_BILLED),
        (_answer(None, 500, **CUT), Outcome.LOST, Billing.POSSIBLY_BILLED),
        (
            _answer(None, None, stamps=UNSENT, failure="connect_failed"),
            Outcome.SERVER_ERROR,
            Billing.NOT_SENT,
        ),
        (
            _answer(None, None, stamps=UNSENT, **LATE),
            Outcome.TIMED_OUT,
            Billing.NOT_SENT,
        ),
        (_answer(b"<html>"), Outcome.UNUSABLE, Billing.BILLED_UNUSABLE),
        (_answer(b"", 500), Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED),
        (_answer(b"", 429), Outcome.RATE_LIMITED, Billing.UNBILLED),
        (_answer(b"", 400), Outcome.CLIENT_ERROR, Billing.UNBILLED),
    ],
)
def test_every_end_without_a_picture_has_its_money(
    make_plan: Planner, answer: Exchange, outcome: Outcome, billing: Billing
) -> None:
    plan = make_plan()
    attempt = _settle(plan, answer)
    assert (attempt.outcome, attempt.billing) == (outcome, billing)
    money = attempt.money
    match billing:
        case Billing.NOT_SENT | Billing.UNBILLED:
            assert (money.charge_usd, money.possibly_billed_usd) == (0, 0)
        case Billing.POSSIBLY_BILLED:
            assert money.charge_usd is None
            assert money.possibly_billed_usd == plan.trials[0].bound_usd
        case _:
            assert money.charge_usd is not None
            assert money.charge_usd > 0
            assert attempt.usage_source is UsageSource.ESTIMATED


@pytest.mark.parametrize(
    ("stamps", "billing"),
    [
        (UNSENT, Billing.NOT_SENT),
        (SENT, Billing.POSSIBLY_BILLED),
    ],
)
def test_what_the_user_breaks_off_may_be_billed_once_it_left(
    stamps: RequestStamps, billing: Billing
) -> None:
    reading = cancelled(stamps)
    assert (reading.outcome, reading.billing) == (Outcome.CANCELLED, billing)


def test_a_picture_that_can_not_be_opened_makes_its_answer_unusable(
    make_plan: Planner,
) -> None:
    broken = replace(PICTURE, problem="can't be decoded", width_px=None)
    attempt = _settle(make_plan(), _answer(_body(usage=USAGE)), broken)
    assert (attempt.outcome, attempt.billing) == (
        Outcome.UNUSABLE,
        Billing.BILLED_UNUSABLE,
    )
    assert attempt.error_code == "bad_image"
    assert attempt.money.charge_usd == CHARGE_USD


@pytest.mark.parametrize(
    ("fixed", "members", "picture", "flags"),
    [
        ({}, {}, {}, set[str]()),
        (
            {},
            {"size": "1024x1024", "quality": "low", "output_format": "png"},
            {},
            set(),
        ),
        ({}, {}, {"width_px": 512}, {"size_not_as_asked"}),
        (
            {},
            {"size": "1024x1024"},
            {"width_px": 512},
            {"size_not_as_asked", "size_misstated"},
        ),
        ({"size": "auto"}, {}, {"width_px": 512}, set()),
        ({"size": "auto"}, {"size": "auto"}, {"width_px": 512}, set()),
        ({}, {"quality": "medium"}, {}, {"quality_not_as_asked"}),
        ({}, {"quality": "auto"}, {}, set()),
        ({"output_format": "webp"}, {}, {}, {"format_not_as_asked"}),
        (
            {"output_format": "webp"},
            {"output_format": "webp"},
            {},
            {"format_not_as_asked", "format_misstated"},
        ),
        ({"n": 2}, {}, {}, {"images_not_as_asked"}),
    ],
)
def test_where_picture_answer_and_request_disagree_is_flagged(
    make_plan: Planner,
    fixed: dict[str, Any],
    members: dict[str, Any],
    picture: dict[str, Any],
    flags: set[str],
) -> None:
    plan = make_plan(fixed={"model": "gpt-image-2", "size": "1024x1024", **fixed})
    answer = _answer(_body(usage=USAGE, **members))
    attempt = _settle(plan, answer, replace(PICTURE, **picture))
    assert set(attempt.money.flags) - {"cache_unknown_upper_bound"} == flags


@pytest.mark.parametrize(
    ("headers", "is_marked", "simulated"),
    [({}, False, False), ({"x-emulator": "1"}, False, True), ({}, True, True)],
)
def test_one_mark_makes_an_attempt_simulated(
    make_plan: Planner, headers: dict[str, str], *, is_marked: bool, simulated: bool
) -> None:
    picture = replace(PICTURE, simulated=is_marked)
    answer = _answer(_body(usage=USAGE), headers=headers)
    assert _settle(make_plan(), answer, picture).simulated is simulated


def test_headers_of_an_answer_are_kept(make_plan: Planner) -> None:
    headers = {"x-request-id": "req_1", "retry-after": "3", "set-cookie": "a"}
    attempt = _settle(make_plan(), _answer(b"", 429, headers=headers))
    assert (attempt.request_id, attempt.retry_after_s) == ("req_1", 3.0)
    assert set(attempt.headers) == {"x-request-id", "retry-after"}


INSTANTS = st.integers(0, 10**12)


@given(
    st.tuples(INSTANTS, INSTANTS, INSTANTS),
    st.lists(st.none() | INSTANTS, min_size=8, max_size=8),
)
def test_no_duration_is_negative_whatever_the_stamps(
    begun: tuple[int, int, int], rest: list[int | None]
) -> None:
    names = ("connect_started_ns", "connected_ns", "write_started_ns", "sent_ns")
    arrived = (
        "first_byte_ns",
        "last_byte_ns",
        "kernel_first_byte_ns",
        "kernel_last_byte_ns",
    )
    instants: dict[str, Any] = dict(zip((*names, *arrived), rest, strict=True))
    stamps = RequestStamps(started_ns=begun[2], **instants)
    sending = Sending(
        planned=None,  # pyright: ignore[reportArgumentType]  not looked at
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=begun[0],
        waiting_ns=begun[1],
        started_at="",
    )
    found = durations(sending, stamps)
    for name in (
        "queued_s",
        "connect_s",
        "first_byte_s",
        "service_s",
        "total_s",
        "lag_s",
    ):
        assert getattr(found, name) is None or getattr(found, name) >= 0


def test_durations_are_counted_between_the_right_instants(make_plan: Planner) -> None:
    stamps = _settle(make_plan(), _answer(_body(usage=USAGE)), PICTURE).stamps
    assert stamps.queued_s == 500e-9
    assert stamps.connect_s == 1000e-9
    assert stamps.first_byte_s == 1000e-9
    assert stamps.service_s == 2000e-9
    assert stamps.total_s == 7000e-9


def test_a_kept_connection_took_no_time_and_an_unmade_one_is_unknown(
    make_plan: Planner,
) -> None:
    kept = replace(SENT, connect_started_ns=None, connected_ns=None)
    attempt = _settle(make_plan(), _answer(_body(usage=USAGE), stamps=kept), PICTURE)
    assert attempt.stamps.connect_s == 0.0
    unmade = _answer(None, None, stamps=UNSENT, failure="connect_failed")
    assert _settle(make_plan(), unmade).stamps.connect_s is None
    assert _settle(make_plan(), unmade).stamps.service_s is None


def test_a_key_too_short_to_be_one_is_not_cut_out_of_sizes(
    make_plan: Planner,
) -> None:
    attempt = _settle(make_plan(), _answer(_body(size="1024x1024")))
    assert without_secret(attempt, "x") == attempt
    assert without_secret(attempt, "1024x1024").served.size == "[key]"
