"""Fuzzed answers: whatever comes back, it is an outcome, and is settled."""

import base64
import copy
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.attempt import Attempt, Billing, Outcome, Picture
from bench.client.exchange import Exchange
from bench.client.understood import read
from bench.journal import encode
from bench.plan.frozen import Plan
from bench.plan.prices import PricedModel
from bench.record import outcome_record
from bench.settle import Sending, settle
from bench.transport.stamps import RequestStamps
from pricing.book import shipped_book

Planner = Callable[..., Plan]
PICTURE = base64.b64encode(b"a picture").decode()
TOKENS = {
    "input_tokens": 60,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 10},
    "output_tokens": 272,
    "output_tokens_details": {"text_tokens": 2, "image_tokens": 270},
    "total_tokens": 332,
    "cost": 0.0081,
}
IMAGES = {
    "created": 1,
    "data": [{"b64_json": PICTURE, "revised_prompt": "A kite"}],
    "size": "1024x1024",
    "usage": TOKENS,
}
CALL = {"type": "image_generation_call", "status": "completed", "result": PICTURE}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [{"type": "message"}, CALL],
    "tools": [{"type": "image_generation", "model": "gpt-image-2"}],
    "usage": {
        "input_tokens": 900,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens": 9,
    },
    "tool_usage": {"image_gen": TOKENS},
    "error": None,
    "incomplete_details": None,
}
ERROR = {"error": {"message": "no", "type": "x", "code": "moderation_blocked"}}
STREAMS = (
    (
        {"type": "image_generation.partial_image", "b64_json": PICTURE},
        {"type": "image_generation.completed", "b64_json": PICTURE, "usage": TOKENS},
    ),
    (
        {"type": "response.created", "response": {**RESPONSE, "output": []}},
        {
            "type": "response.image_generation_call.partial_image",
            "partial_image_b64": PICTURE,
        },
        {"type": "response.output_item.done", "item": CALL},
        {"type": "response.completed", "response": RESPONSE},
    ),
    ({"type": "error", "code": "server_error"}, ERROR),
)
DEEP = 2_000 * "[" + 2_000 * "]"
WILD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**18, 2**63, -(2**63), 1e300, "", "\0\x1b[2J"),
    *("\U0001f600" * 3, "a" * 70_000, [], {}, [[]], [None], {"": {}}),
    *([CALL], [{"b64_json": "%"}], {"type": "error"}, "resp_2", PICTURE),
)
# What no JSON library of ours would write.
RAW = (
    *(b"\xff\xfe", b"\0", b'"\\ud800"', b"1e999", b"-0", b"NaN", b"9" * 400),
    *(b'{"a":1,"a":{"usage":[]}}', DEEP.encode(), b"\n\n", b"data: [DONE]\n\n", b":"),
)
# Hypothesis keeps the cheap ones small; these must not grow the test's time.
FUZZ = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys or indices."""
    if isinstance(content, dict):
        keys: Any = list(content)
    elif isinstance(content, list):
        keys = range(len(content))
    else:
        return
    for key in keys:
        yield content, key
        yield from places(content[key])


def mutated(draw: st.DrawFn, content: Any) -> bytes:
    """JSON with some members of another kind, gone, or said twice."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(0, 3))):
        found = list(places(content))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        if isinstance(container, dict) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(draw(st.sampled_from(WILD)))
    return orjson.dumps(content)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An answer of either API, whole or as events, and what happened to it."""
    kind = draw(st.sampled_from((IMAGES, RESPONSE, ERROR, *STREAMS)))
    if isinstance(kind, tuple):
        end = draw(st.sampled_from((b"\n", b"\r\n", b"\r")))
        events = [b"data: " + mutated(draw, one) + 2 * end for one in kind]
        body = b"".join(draw(st.permutations(events)))
    else:
        body = mutated(draw, kind)
    for _ in range(draw(st.integers(0, 2))):
        at, to = sorted(draw(st.tuples(*2 * [st.integers(0, len(body))])))
        body = body[:at] + draw(st.sampled_from((b"", *RAW))) + body[to:]
    return body


EXCHANGES: Any = st.fixed_dictionaries(
    {
        "status": st.sampled_from((200, 200, 200, 201, 204, 302, 400, 429, 500, 999)),
        "body": bodies() | st.binary(max_size=40) | st.none(),
        "failure": st.sampled_from((None, None, "broken", "timeout")),
        "headers": st.sampled_from(
            ({}, {"content-type": "text/event-stream"}, {"content-type": "\0;;"})
        ),
    }
)


@pytest.fixture
def settled(make_plan: Planner) -> Callable[[Exchange], Attempt]:
    """Settle an answer as that of a call with a text model."""
    plan = make_plan()
    planned = plan.trials[0]
    cell = planned.trial.cell
    found = plan.prices[cell.endpoint, cell.model]
    text = shipped_book().card("openai", "gpt-5.6-sol", date(2026, 11, 21))
    priced = PricedModel(card=found.card, scheme=found.scheme, mainline=text)
    sending = Sending(
        planned=planned,
        attempt_id="t.1",
        attempt_no=1,
        scheduled_ns=0,
        waiting_ns=0,
        started_at="2026-11-21T12:00:00.000000Z",
    )

    def settle_one(answer: Exchange) -> Attempt:
        reading = read(answer)
        pictures = tuple(_picture(content) for content in reading.pictures)
        return settle(sending, answer, reading, pictures, priced)

    return settle_one


def _picture(content: bytes) -> Picture:
    return Picture(
        sha256=None,
        n_bytes=len(content),
        format="png",
        width_px=1,
        height_px=1,
        simulated=False,
        problem=None,
    )


@FUZZ
@given(told=EXCHANGES)
def test_any_answer_is_an_outcome_and_can_be_recorded(
    settled: Callable[[Exchange], Attempt], told: dict[str, Any]
) -> None:
    stamps = RequestStamps(started_ns=0, write_started_ns=0, sent_ns=0, last_byte_ns=9)
    size = len(told["body"] or b"")
    answer = Exchange(stamps=stamps, **told, arrived=((size // 2, 5), (size, 7)))
    attempt = settled(answer)
    assert attempt.outcome in set(Outcome)
    assert attempt.billing in set(Billing)
    money = attempt.money
    if told["status"] in range(200, 300):
        # It was answered: nobody says that it cost nothing.
        assert attempt.billing not in {Billing.UNBILLED, Billing.NOT_SENT}
        assert money.charge_usd is not None or money.possibly_billed_usd > 0
    if attempt.outcome is Outcome.OK:
        assert attempt.billing is Billing.BILLED
        assert attempt.pictures
    assert money.charge_usd is None or money.charge_usd >= 0
    assert all(s in {5 / 1e9, 7 / 1e9} for s in attempt.partials_s)
    record = orjson.loads(encode(outcome_record(attempt)))
    assert record["response_id"] == attempt.response_id
