"""Answers and refusals: what came back, and what it means for money."""

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.attempt import Billing, Outcome
from bench.wire.answer import cut_answer, read_answer
from bench.wire.headers import LONGEST_VALUE, kept_headers, request_id, retry_after_s

PICTURE = base64.b64encode(b"a picture").decode()
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def _error(**members: Any) -> bytes:
    return orjson.dumps({"error": members})


def _ok(*items: Any, **members: Any) -> bytes:
    return orjson.dumps({"created": 1, "data": list(items), **members})


UNBILLED, POSSIBLY = Billing.UNBILLED, Billing.POSSIBLY_BILLED
QUOTA = (Outcome.RATE_LIMITED, UNBILLED, "quota")
LIMIT = (Outcome.RATE_LIMITED, UNBILLED, None)
REFUSED = (Outcome.REFUSED, UNBILLED, None)
KEY = (Outcome.CLIENT_ERROR, UNBILLED, "credentials")
CLIENT = (Outcome.CLIENT_ERROR, UNBILLED, None)
SERVER = (Outcome.SERVER_ERROR, POSSIBLY, None)
HTML = b"<html><body>502 Bad Gateway</body></html>"
SPENT = "You exceeded your current quota, please check your plan."
VERIFY = "Your organization must be verified to use the model 'gpt-image-2'."


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (429, _error(type="requests", code="rate_limit_exceeded"), LIMIT),
        (429, _error(type="throttling_error", code="429", message="slow down"), LIMIT),
        (429, b"", LIMIT),
        (429, HTML, LIMIT),
        (429, _error(type="all_deployments_in_cooldown", code="429"), LIMIT),
        (429, _error(type="insufficient_quota", code="insufficient_quota"), QUOTA),
        (429, _error(type="insufficient_quota", code=None), QUOTA),
        (429, _error(code="project_spend_limit_exceeded"), QUOTA),
        (429, _error(code="organization_spend_limit_exceeded"), QUOTA),
        (400, _error(code="billing_hard_limit_reached"), QUOTA),
        (429, _error(type="throttling_error", code="429", message=SPENT), QUOTA),
        (429, _error(code="429", message=f"litellm: RateLimitError - {SPENT}"), QUOTA),
        (400, _error(code="400", message="Billing hard limit has been reached"), QUOTA),
        (
            429,
            _error(code="429", message="The project has reached its spend limit."),
            QUOTA,
        ),
        (
            429,
            _error(code="429", message='x: {"code": "project_spend_limit_exceeded"}'),
            QUOTA,
        ),
        (403, _error(code="account_deactivated"), QUOTA),
        (403, _error(code="account_locked"), QUOTA),
        (403, _error(type="new_api_error", code="insufficient_user_quota"), QUOTA),
        (403, _error(code="pre_consume_token_quota_failed"), QUOTA),
        (402, _error(message="Payment required"), QUOTA),
        (402, b"", QUOTA),
        (
            400,
            _error(type="image_generation_user_error", code="moderation_blocked"),
            REFUSED,
        ),
        (
            400,
            _error(code="400", message="x. safety_violations=[violence]. y"),
            REFUSED,
        ),
        (400, _error(code="content_policy_violation"), REFUSED),
        (400, _error(code="contentFilter"), REFUSED),
        (
            400,
            _error(
                code="400", message="Your request was rejected by the safety system."
            ),
            REFUSED,
        ),
        (401, _error(type="invalid_request_error", code="invalid_api_key"), KEY),
        (401, b"", KEY),
        (401, HTML, KEY),
        (403, _error(type="invalid_request_error", message=VERIFY), KEY),
        (400, _error(type="no_db_connection", message="No connected db."), KEY),
        (503, _error(type="no_db_connection", message="Unavailable"), SERVER),
        (403, _error(message="Country not supported"), CLIENT),
        (400, _error(code="unknown_parameter", param="style"), CLIENT),
        (404, _error(code="model_not_found"), CLIENT),
        (404, b'{"detail":"Not Found"}', CLIENT),
        (413, HTML, CLIENT),
        (422, b"{}", CLIENT),
        (301, b"", CLIENT),
        (307, HTML, CLIENT),
        (408, b"", (Outcome.TIMED_OUT, POSSIBLY, None)),
        (409, b"", (Outcome.CLIENT_ERROR, POSSIBLY, None)),
        (500, _error(type="server_error", code=None), SERVER),
        (500, _error(message="moderation is down"), SERVER),
        (502, HTML, SERVER),
        (503, b"", SERVER),
        (504, _error(message="timeout"), SERVER),
        (529, b"not JSON", SERVER),
    ],
)
def test_a_refusal_is_told_by_status_code_and_words(
    status: int, body: bytes, meaning: tuple[Outcome, Billing, str | None]
) -> None:
    reading = read_answer(status, body)
    assert (reading.outcome, reading.billing, reading.stops) == meaning
    assert reading.pictures == ()
    assert reading.usage is None


@pytest.mark.parametrize(
    ("body", "kind", "code", "message"),
    [
        (_error(type="t", code="c", message="m"), "t", "c", "m"),
        (_error(type=None, code=429, message=5), None, "429", None),
        (b'{"error": "in words"}', None, None, "in words"),
        (b'{"message": "flat", "code": "c"}', None, "c", "flat"),
        (b'{"error": null}', None, None, '{"error": null}'),
        (b'["list"]', None, None, '["list"]'),
        (b"", None, None, None),
        (b"  \n", None, None, None),
        (b" \n<!DOCTYPE html>", None, None, "the answer is a web page, not JSON"),
        (b"caf\xe9", None, None, "caf\ufffd"),
        (_error(message="x" * 9_000), None, None, "x" * 500),
        (b"y" * 9_000, None, None, "y" * 500),
        (_error(message="\x1b[2Jgone\x07\r\nnext"), None, None, "[2Jgone\nnext"),
        (b"\x1b[2Jgone", None, None, "[2Jgone"),
    ],
)
def test_what_a_refusal_says_is_kept_short_and_without_control_characters(
    body: bytes, kind: str | None, code: str | None, message: str | None
) -> None:
    reading = read_answer(400, body)
    said = reading.error_message
    assert (reading.error_type, reading.error_code) == (kind, code)
    if message is None:
        assert said is None or "429" in said
    else:
        assert said == message


@given(st.integers(100, 599), st.binary(max_size=80))
def test_no_answer_breaks_the_reader(status: int, body: bytes) -> None:
    reading = read_answer(status, body)
    assert reading.outcome is not Outcome.OK
    is_success = 200 <= status < 300
    assert (reading.billing is Billing.BILLED_UNUSABLE) is is_success


def test_pictures_come_in_the_order_of_the_answer_with_what_was_served() -> None:
    second = base64.b64encode(b"another").decode()
    reading = read_answer(
        200,
        _ok(
            {"b64_json": PICTURE, "revised_prompt": "A kite"},
            {"b64_json": second, "url": ""},
            size="1024x1024",
            quality="low",
            output_format="png",
            usage={"input_tokens": 5, "output_tokens": 9},
        ),
    )
    assert (reading.outcome, reading.billing) == (Outcome.OK, Billing.BILLED)
    assert reading.pictures == (b"a picture", b"another")
    assert reading.served.size == "1024x1024"
    assert reading.served.quality == "low"
    assert reading.served.revised_prompt == "A kite"
    assert reading.served.model is None
    assert reading.usage is not None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (HTML, "html"),
        (b"  <p>", "html"),
        (b"", "bad_json"),
        (b'{"data": [', "bad_json"),
        (b"[]", "bad_json"),
        (b'"text"', "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"{}", "no_image"),
        (_ok(), "no_image"),
        (b'{"data": null}', "no_image"),
        (b'{"data": {"b64_json": "x"}}', "no_image"),
        (b'{"data": ["x"]}', "no_image"),
        (_ok({"b64_json": ""}), "no_image"),
        (_ok({"b64_json": None, "url": ""}), "no_image"),
        (_ok({"url": "https://x.example/a.png"}), "url_only"),
        (_ok({"b64_json": "", "url": "https://x.example/a.png"}), "url_only"),
        (_ok({"b64_json": "not base64!"}), "bad_base64"),
        (_ok({"b64_json": PICTURE[:-1]}), "bad_base64"),
        (_ok({"b64_json": "图片"}), "bad_base64"),
        (_ok({"b64_json": PICTURE}, {"b64_json": None}), "no_image"),
    ],
)
def test_a_success_without_a_usable_picture_is_billed_and_unusable(
    body: bytes, code: str
) -> None:
    reading = read_answer(200, body)
    assert (reading.outcome, reading.billing) == (
        Outcome.UNUSABLE,
        Billing.BILLED_UNUSABLE,
    )
    assert (reading.error_type, reading.error_code) == ("unusable_answer", code)
    assert reading.error_message
    assert reading.stops is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_base64_that_is_broken_into_lines_is_the_picture_all_the_same(end: str) -> None:
    lines = end.join(PICTURE[at : at + 5] for at in range(0, len(PICTURE), 5))
    called = {"type": "image_generation_call", "result": lines + end}
    for body in (
        _ok({"b64_json": lines + end}),
        orjson.dumps({"object": "response", "output": [called]}),
    ):
        reading = read_answer(200, body)
        assert (reading.outcome, reading.pictures) == (Outcome.OK, (b"a picture",))


FAILED = (Outcome.SERVER_ERROR, POSSIBLY, None)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ({"code": "server_error", "message": "m"}, FAILED),
        ({"code": "rate_limit_exceeded", "message": "m"}, FAILED),
        ({"code": 500, "message": "m"}, FAILED),
        ({"code": "c", "message": SPENT}, (Outcome.SERVER_ERROR, POSSIBLY, "quota")),
        ({"code": "moderation_blocked"}, (Outcome.REFUSED, POSSIBLY, None)),
        (
            {"type": "t", "moderation_details": {"moderation_stage": "output"}},
            (Outcome.REFUSED, POSSIBLY, None),
        ),
        ({"code": "invalid_image"}, (Outcome.CLIENT_ERROR, POSSIBLY, None)),
        (
            {"code": "invalid_api_key"},
            (Outcome.CLIENT_ERROR, POSSIBLY, "credentials"),
        ),
    ],
)
def test_a_success_that_tells_an_error_is_that_error_and_may_be_billed(
    said: dict[str, Any], meaning: tuple[Outcome, Billing, str | None]
) -> None:
    for body in (_error(**said), _ok(error=said), b"data: " + _error(**said)):
        reading = read_answer(200, body)
        assert (reading.outcome, reading.billing, reading.stops) == meaning
        code = said.get("code")
        assert reading.error_code == (None if code is None else str(code))
        assert reading.error_message == said.get("message")
    # What it tells of tokens is paid.
    told = _ok(error=said, usage={"input_tokens": 5, "output_tokens": 0})
    assert read_answer(200, told).billing is Billing.BILLED_UNUSABLE
    # A picture that came is a picture, whatever is said beside it.
    drawn = read_answer(200, _ok({"b64_json": PICTURE}, error=said))
    assert (drawn.outcome, drawn.billing) == (Outcome.OK, Billing.BILLED)


@pytest.mark.parametrize(
    "begins", [b"", b"\xef\xbb\xbf", b"\n", b"id: 1\n", b": hi\n\n"]
)
def test_events_behind_a_refusals_status_keep_what_they_say(begins: bytes) -> None:
    said = _error(type="t", code="moderation_blocked", message="m")
    body = begins + b'event: error\ndata: {"type": "x"}\n\ndata: ' + said + b"\n\n"
    reading = read_answer(400, body, "text/event-stream")
    assert (reading.outcome, reading.billing) == (Outcome.REFUSED, UNBILLED)
    assert (reading.error_code, reading.error_message) == ("moderation_blocked", "m")
    flat = b'data: {"type": "error", "code": "insufficient_quota", "message": "m"}'
    assert read_answer(429, flat).stops == "quota"
    assert read_answer(500, b"data: [DONE]\n\n").error_message == "data: [DONE]"


@pytest.mark.parametrize(
    "item",
    [
        {"b64_json": f"data:image/png;base64,{PICTURE}"},
        {"b64_json": "", "url": f"data:image/png;base64,{PICTURE}"},
        {"url": f"DATA:image/webp;base64,{PICTURE}"},
    ],
)
def test_a_picture_within_a_data_url_is_taken(item: dict[str, str]) -> None:
    reading = read_answer(200, _ok(item))
    assert (reading.outcome, reading.pictures) == (Outcome.OK, (b"a picture",))


def test_an_unusable_answer_keeps_the_usage_that_it_reports() -> None:
    reading = read_answer(200, _ok(usage={"input_tokens": 5, "output_tokens": 9}))
    assert reading.usage is not None
    assert reading.usage["output_image_tokens"] == 9


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 5, "output_tokens": 0},
        {
            "input_tokens": 5,
            "output_tokens": 9,
            "output_tokens_details": {"image_tokens": 0, "text_tokens": 9},
        },
    ],
)
def test_a_picture_is_never_made_of_no_tokens(usage: dict[str, Any]) -> None:
    reading = read_answer(200, _ok({"b64_json": PICTURE}, usage=usage))
    assert (reading.outcome, reading.billing) == (Outcome.OK, Billing.BILLED)
    assert reading.usage is None
    assert reading.flags[-1] == "usage_zero"
    without_picture = read_answer(200, _ok(usage=usage))
    assert without_picture.usage is not None


@pytest.mark.parametrize("item", [{"b64_json": "?"}, {"url": "https://x.example/1"}])
def test_a_picture_that_can_t_be_read_was_not_made_of_no_tokens_either(
    item: dict[str, str],
) -> None:
    reading = read_answer(200, _ok(item, usage={"input_tokens": 9, "output_tokens": 0}))
    assert reading.outcome is Outcome.UNUSABLE
    assert reading.usage is None
    assert "usage_zero" in reading.flags


def test_a_cut_success_is_billed_and_unusable() -> None:
    reading = cut_answer("peer closed" * 200)
    assert (reading.outcome, reading.billing) == (
        Outcome.UNUSABLE,
        Billing.BILLED_UNUSABLE,
    )
    assert reading.error_code == "cut_body"
    assert len(reading.error_message or "") == 500


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-1", "retry-after": "9"}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 +0000"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "2, 2"}, None),
        ({"retry-after": "Sat, 99 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": f"Sat, 21 Nov {'9' * 30} 12:00:30 GMT"}, None),
        ({"retry-after": f"Sat, 21 Nov 2026 12:00:30 +{'9' * 30}"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0.0),
    ],
)
def test_a_wish_to_wait_is_read_where_it_is_sane(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_wish_breaks_the_reader(value: str) -> None:
    seconds = retry_after_s({"retry-after": value}, NOW)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-request-id": "a", "request-id": "b"}, "a"),
        ({"x-request-id": "", "request-id": "b"}, "b"),
        ({"llm_provider-x-request-id": "c", "x-litellm-call-id": "d"}, "c"),
        ({"x-litellm-call-id": "d"}, "d"),
        ({"apim-request-id": "e"}, "e"),
        ({"x-api-request-id": "f"}, "f"),
        ({"x-request-id": "x" * 9_000}, "x" * LONGEST_VALUE),
        ({}, None),
    ],
)
def test_the_id_of_a_request_is_found_whoever_names_it(
    headers: dict[str, str], found: str | None
) -> None:
    assert request_id(headers) == found


def test_headers_that_are_worth_it_are_kept_short_and_others_not_at_all() -> None:
    sent = {
        "x-request-id": "r",
        "x-ratelimit-remaining-requests": "9",
        "x-litellm-response-cost": "0.1",
        "x-emulator": "1",
        "via": "v" * 9_000,
        "set-cookie": "session=secret",
        "authorization": "Bearer x",
        "x-unknown": "y",
    }
    kept = kept_headers(sent)
    assert set(kept) == set(list(sent)[:5])
    assert len(kept["via"]) == LONGEST_VALUE


def test_padding_that_nobody_needs_costs_no_paid_picture() -> None:
    whole = base64.b64encode(b"\x89PNG..").decode()
    assert not whole.endswith("=")
    body = orjson.dumps({"data": [{"b64_json": f"{whole}="}], "usage": None})
    assert read_answer(200, body).pictures == (b"\x89PNG..",)
