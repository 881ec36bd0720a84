"""Responses: pictures, two models' tokens, and answers without a picture."""

import base64
from typing import Any

import orjson
import pytest

from bench.attempt import Billing, Outcome
from bench.wire.answer import read_answer
from bench.wire.reading import Reading

PICTURE = base64.b64encode(b"a picture").decode()
CALL = {"id": "ig_1", "type": "image_generation_call", "status": "completed"}
DONE = {**CALL, "result": PICTURE}
TEXT = {"type": "message", "content": [{"type": "output_text", "text": "I can't."}]}
TOOL = {
    "input_tokens": 60,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 10},
    "output_tokens": 272,
    "output_tokens_details": {"text_tokens": 2, "image_tokens": 270},
    "cached_tokens": 40,
    "cached_tokens_details": {"cached_text_tokens": 40, "cached_image_tokens": 0},
}
ZERO = {
    name: dict.fromkeys(value, 0) if isinstance(value, dict) else 0
    for name, value in TOOL.items()
}
MAINLINE = {
    "input_tokens": 2_400,
    "input_tokens_details": {"cached_tokens": 1_000},
    "output_tokens": 60,
}
BLOCKED = {"code": "moderation_blocked", "message": "no", "type": "x"}


def read(*output: Any, tool: Any = TOOL, **said: Any) -> Reading:
    body = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": list(output),
        "usage": MAINLINE,
        "tool_usage": {"image_gen": tool},
        **said,
    }
    return read_answer(200, orjson.dumps(body), "application/json")


def meaning(reading: Reading) -> tuple[Outcome, Billing, str | None]:
    return reading.outcome, reading.billing, reading.error_code


IS_OK = (Outcome.OK, Billing.BILLED, None)
NO_IMAGE = (Outcome.UNUSABLE, Billing.BILLED_UNUSABLE, "no_image")


def test_tokens_of_both_models_are_read_apart() -> None:
    reading = read(TEXT, DONE)
    assert meaning(reading) == IS_OK
    assert (reading.pictures, reading.response_id) == ((b"a picture",), "resp_1")
    assert reading.usage == {
        "input_text_tokens": 50,
        "cached_text_tokens": 40,
        "input_image_tokens": 10,
        "cached_image_tokens": 0,
        "output_image_tokens": 270,
        "output_text_tokens": 2,
    }
    assert reading.mainline == {
        "mainline_input_tokens": 2_400,
        "mainline_cached_tokens": 1_000,
        "mainline_cache_write_tokens": None,
        "mainline_output_tokens": 60,
    }
    assert reading.flags == ()


@pytest.mark.parametrize(
    ("said", "flag"),
    [
        ({"tool": ZERO}, "tool_usage_zero"),
        ({"tool": {**ZERO, "input_tokens": 9}}, "tool_usage_zero"),
        ({"tool": None}, "tool_usage_absent"),
        ({"tool_usage": None}, "tool_usage_absent"),
        ({"tool_usage": [1]}, "tool_usage_absent"),
    ],
)
def test_the_tools_usage_absent_and_zero_are_two_unknown_states(
    said: dict[str, Any], flag: str
) -> None:
    reading = read(DONE, **said)
    assert meaning(reading) == IS_OK
    assert reading.usage is None
    assert reading.flags[-1:] == (flag,)
    assert reading.mainline is not None


@pytest.mark.parametrize(
    ("usage", "flag"),
    [
        (None, "mainline_usage_absent"),
        ({}, "mainline_usage_absent"),
        ({"input_tokens": 0, "output_tokens": 0}, "mainline_usage_zero"),
        ({"input_tokens": -1, "output_tokens": 5}, "mainline_usage_absent"),
    ],
)
def test_a_text_model_that_used_nothing_is_one_that_tells_nothing(
    usage: Any, flag: str
) -> None:
    reading = read(DONE, usage=usage)
    assert (reading.mainline, reading.flags) == (None, (flag,))


def test_every_picture_of_several_calls_is_taken_whatever_their_state() -> None:
    other = base64.b64encode(b"another").decode()
    calls = ({**DONE, "status": "generating"}, {**CALL, "result": other}, TEXT)
    reading = read(*calls)
    assert meaning(reading) == IS_OK
    assert reading.pictures == (b"a picture", b"another")


@pytest.mark.parametrize("output", [(TEXT,), ({"type": "function_call"},), (), (None,)])
@pytest.mark.parametrize("tool", [ZERO, None])
def test_an_answer_without_a_call_used_no_image_tokens(
    output: tuple[Any, ...], tool: Any
) -> None:
    reading = read(*output, tool=tool)
    assert meaning(reading) == NO_IMAGE
    assert reading.usage is not None
    assert set(reading.usage.values()) == {0}
    assert reading.mainline is not None
    assert reading.flags == ()


def test_a_call_without_a_picture_used_what_it_tells_and_else_nobody_knows() -> None:
    for tool, n_tokens in ((TOOL, 270), (ZERO, 0), (None, None)):
        reading = read(CALL, tool=tool)
        assert meaning(reading) == NO_IMAGE
        used = reading.usage and reading.usage["output_image_tokens"]
        assert used == n_tokens


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"status": "failed", "error": BLOCKED}, Outcome.REFUSED),
        ({"status": "failed", "error": {"code": "server_error"}}, Outcome.SERVER_ERROR),
        ({"status": "failed", "error": {"code": "bio_policy"}}, Outcome.REFUSED),
        ({"incomplete_details": {"reason": "content_filter"}}, Outcome.REFUSED),
        ({"status": "failed"}, Outcome.SERVER_ERROR),
    ],
)
def test_a_failed_response_ends_as_its_error_says_and_its_tokens_are_paid(
    said: dict[str, Any], outcome: Outcome
) -> None:
    reading = read(TEXT, tool=ZERO, **said)
    assert meaning(reading)[:2] == (outcome, Billing.BILLED_UNUSABLE)
    assert reading.mainline is not None
    reading = read(TEXT, tool=ZERO, **{**said, "usage": None})
    assert meaning(reading)[:2] == (outcome, Billing.POSSIBLY_BILLED)


def test_a_call_that_moderation_blocked_is_refused() -> None:
    reading = read({**CALL, "status": "failed", "error": BLOCKED}, TEXT, tool=ZERO)
    assert meaning(reading) == (
        Outcome.REFUSED,
        Billing.BILLED_UNUSABLE,
        "moderation_blocked",
    )


def test_an_answer_that_ended_early_says_so() -> None:
    details = {"reason": "max_output_tokens"}
    reading = read(TEXT, status="incomplete", incomplete_details=details)
    assert meaning(reading) == NO_IMAGE
    assert reading.error_message is not None
    assert "max_output_tokens" in reading.error_message


def test_what_was_served_is_told_by_the_call_and_else_by_the_tool() -> None:
    tool = {"type": "image_generation", "model": "gpt-image-2", "n": 1, "size": "auto"}
    call = {**DONE, "size": "1536x1024", "quality": "high", "output_format": "webp"}
    served = read(call, tools=[{"type": "function"}, {**tool, "quality": "low"}]).served
    assert (served.model, served.size) == ("gpt-image-2", "1536x1024")
    assert (served.quality, served.format) == ("high", "webp")
    assert read(DONE, tools=[tool], model="gpt-5.2").served.model == "gpt-image-2"
    # The outer model is the text model, and made no picture.
    assert read(DONE, model="gpt-5.2").served.model is None


def test_a_result_that_is_no_base64_is_no_picture() -> None:
    assert meaning(read({**CALL, "result": "%%%"}))[2] == "bad_base64"


def test_a_picture_that_can_t_be_read_was_not_made_of_no_tokens() -> None:
    reading = read({**CALL, "result": "?"}, tool=ZERO)
    assert meaning(reading)[2] == "bad_base64"
    assert reading.usage is None
    assert "tool_usage_zero" in reading.flags
