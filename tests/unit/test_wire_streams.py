"""Streams: events read as servers and gateways write them."""

import base64
import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.attempt import Billing, Outcome
from bench.client.exchange import Exchange
from bench.client.understood import read as understood
from bench.transport.stamps import RequestStamps, instants_of
from bench.wire.answer import read_answer
from bench.wire.reading import Reading
from bench.wire.stream import events

PICTURE = base64.b64encode(b"a picture").decode()
EARLY = base64.b64encode(b"a sketch").decode()
STREAM = "text/event-stream; charset=utf-8"
USAGE = {
    "input_tokens": 10,
    "output_tokens": 396,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
}
TOOL = {**USAGE, "output_tokens_details": {"text_tokens": 0, "image_tokens": 396}}
MAINLINE = {
    "input_tokens": 2_400,
    "input_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 0},
    "output_tokens": 60,
}
CALL = {"id": "ig_1", "type": "image_generation_call", "status": "completed"}
DONE = {**CALL, "result": PICTURE, "revised_prompt": "A red kite, high up"}


def event(kind: str | None, *, named: bool = True, end: str = "\n", **said: Any) -> str:
    data = orjson.dumps({**({"type": kind} if kind else {}), **said}).decode()
    head = f"event: {kind}{end}" if named and kind else ""
    return f"{head}data: {data}{end}{end}"


def partial(number: int, kind: str = "image_generation", **how: Any) -> str:
    name = f"{kind}.partial_image"
    return event(name, b64_json=EARLY, partial_image_index=number, **how)


def completed(kind: str = "image_generation", **said: Any) -> str:
    said = {"size": "1024x1024", "quality": "low", "output_format": "png", **said}
    name = f"{kind}.completed"
    return event(name, **{"b64_json": PICTURE, "usage": USAGE, **said})


def response(**said: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [DONE],
        "usage": MAINLINE,
        "tool_usage": {"image_gen": TOOL},
        **said,
    }


def of_response(*last: str, n_partials: int = 1) -> str:
    """The events of a response in their order, up to the last ones given."""
    begun = response(status="in_progress", output=[], usage=None, tool_usage=None)
    names = ("response.created", "response.in_progress")
    step = "response.image_generation_call"
    early = (
        event(f"{step}.partial_image", partial_image_b64=EARLY, partial_image_index=n)
        for n in range(n_partials)
    )
    return "".join(
        (
            *(event(name, response=begun) for name in names),
            event("response.output_item.added", item={**CALL, "result": None}),
            event(f"{step}.in_progress"),
            event(f"{step}.generating"),
            *early,
            event(f"{step}.completed"),
            *last,
        )
    )


def read(said: str, cut: str | None = None, kind: str = STREAM) -> Reading:
    return read_answer(200, said.encode(), kind, cut)


ITEM = event("response.output_item.done", item=DONE)
OVER = event("response.completed", response=response())
IS_OK = (Outcome.OK, Billing.BILLED)


def meaning(reading: Reading) -> tuple[Outcome, Billing]:
    return reading.outcome, reading.billing


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
@pytest.mark.parametrize("how", [{}, {"named": False}, {"end": "\r\n"}, {"end": "\r"}])
@pytest.mark.parametrize("last", ["", "data: [DONE]\n\n", ": bye\n\n"])
def test_a_stream_gives_its_final_picture_and_where_each_partial_is_whole(
    kind: str, how: dict[str, Any], last: str
) -> None:
    two = [": ping\n\n" + partial(0, kind, **how), partial(1, kind, **how)]
    reading = read("".join(two) + completed(kind) + last)
    assert meaning(reading) == IS_OK
    assert reading.pictures == (b"a picture",)
    assert reading.partial_ends == (len(two[0]), len(two[0]) + len(two[1]))
    # Partial pictures are in the final usage, and are added to nothing.
    assert reading.usage is not None
    assert reading.usage["output_image_tokens"] == 396
    served = reading.served
    assert (served.size, served.quality, served.format) == ("1024x1024", "low", "png")


def test_an_event_in_several_lines_of_data_and_without_an_end_is_read() -> None:
    said = (
        b'\xef\xbb\xbfid: 7\ndata: {"type":\ndata:"x"}\nretry: 5\n\nevent: y\ndata: {}'
    )
    found = list(events(said))
    assert [(e.name, orjson.loads(e.data)) for e in found] == [
        ("", {"type": "x"}),
        ("y", {}),
    ]
    assert found[-1].end == len(said)


def test_a_stream_is_known_without_its_content_type() -> None:
    assert meaning(read(completed(), kind="application/json")) == IS_OK
    assert meaning(read(completed(named=False), kind="")) == IS_OK


def test_a_response_that_streams_tells_picture_tokens_and_name() -> None:
    reading = read(of_response(ITEM, OVER, n_partials=2))
    assert meaning(reading) == IS_OK
    assert (reading.pictures, reading.response_id) == ((b"a picture",), "resp_1")
    assert len(reading.partial_ends) == 2
    assert reading.mainline == {
        "mainline_input_tokens": 2_400,
        "mainline_cached_tokens": 1_000,
        "mainline_cache_write_tokens": 0,
        "mainline_output_tokens": 60,
    }
    assert reading.usage is not None
    assert reading.usage["output_image_tokens"] == 396
    assert reading.served.revised_prompt == "A red kite, high up"


def test_the_picture_of_a_done_item_counts_where_the_last_event_leaves_it_out() -> None:
    bare = event("response.completed", response=response(output=[CALL]))
    reading = read(of_response(ITEM, bare))
    assert meaning(reading) == IS_OK
    assert reading.pictures == (b"a picture",)
    # Nor does a picture that came get lost with what should follow.
    reading = read(of_response(ITEM), cut="the server closed the connection")
    assert meaning(reading) == IS_OK
    assert reading.pictures == (b"a picture",)
    assert (reading.usage, reading.mainline) == (None, None)
    assert "stream_not_ended" in reading.flags
    assert reading.response_id == "resp_1"


FAILED = "response.failed"
BLOCKED = {"code": "moderation_blocked", "message": "no", "type": "x"}


@pytest.mark.parametrize(
    ("said", "outcome", "code"),
    [
        (partial(0) + event(None, error=BLOCKED), Outcome.REFUSED, BLOCKED["code"]),
        (event("error", code="server_error"), Outcome.SERVER_ERROR, "server_error"),
        (event("error", error={"code": "x"}), Outcome.SERVER_ERROR, "x"),
        (event(None, error="it broke"), Outcome.SERVER_ERROR, None),
        (
            event("error", code="invalid_image_url"),
            Outcome.CLIENT_ERROR,
            "invalid_image_url",
        ),
        (
            of_response(event("error", code="rate_limit_exceeded")),
            Outcome.SERVER_ERROR,
            "rate_limit_exceeded",
        ),
        (
            of_response(
                event(
                    FAILED,
                    response={"id": "resp_1", "status": "failed", "error": BLOCKED},
                )
            ),
            Outcome.REFUSED,
            "moderation_blocked",
        ),
    ],
)
def test_an_error_in_a_stream_is_its_outcome_and_may_be_paid(
    said: str, outcome: Outcome, code: str | None
) -> None:
    reading = read(said)
    assert meaning(reading) == (outcome, Billing.POSSIBLY_BILLED)
    assert reading.error_code == code
    assert reading.response_id == ("resp_1" if "resp_1" in said else None)


def test_an_error_in_front_of_a_last_event_that_does_not_tell_it_keeps_its_code() -> (
    None
):
    failed = response(status="failed", output=[], error=None)
    for last in (
        of_response(event("error", error=BLOCKED), event(FAILED, response=failed)),
        event(None, error=BLOCKED) + completed(b64_json="", usage=None),
    ):
        reading = read(last)
        assert (reading.outcome, reading.error_code) == (
            Outcome.REFUSED,
            "moderation_blocked",
        )
    told = {**failed, "error": "it broke"}
    assert read(of_response(event(FAILED, response=told))).error_message == "it broke"


def test_a_picture_of_a_done_item_is_kept_though_an_error_follows() -> None:
    reading = read(of_response(ITEM, event("error", code="server_error")))
    assert (meaning(reading), reading.pictures) == (IS_OK, (b"a picture",))
    assert "stream_not_ended" in reading.flags
    assert reading.usage is None


def test_a_quota_that_ends_within_a_stream_closes_the_way_and_is_not_sent_again() -> (
    None
):
    reading = read(event("error", code="insufficient_quota"))
    assert meaning(reading) == (Outcome.SERVER_ERROR, Billing.POSSIBLY_BILLED)
    assert reading.stops == "quota"


@pytest.mark.parametrize("cut", [None, "no whole answer within 3 s"])
@pytest.mark.parametrize("said", ["", partial(0), of_response(), completed()[:-40]])
def test_a_stream_without_its_final_picture_is_a_cut_body(
    said: str, cut: str | None
) -> None:
    reading = read(said, cut)
    assert meaning(reading) == (Outcome.UNUSABLE, Billing.BILLED_UNUSABLE)
    is_torn = said == completed()[:-40]
    assert reading.error_code == ("bad_json" if is_torn and cut is None else "cut_body")
    assert len(reading.partial_ends) == said.count("partial_image_index")


def test_what_follows_the_final_picture_takes_nothing_from_it() -> None:
    for rest in (event(None, error=BLOCKED), partial(2)[:-9]):
        assert meaning(read(completed() + rest, cut="broken")) == IS_OK
    assert meaning(read(of_response(ITEM, OVER) + event("error", code="x"))) == IS_OK


@pytest.mark.parametrize(
    ("missing", "flags"),
    [({"usage": None}, ()), ({"usage": {**USAGE, "input_tokens": "x"}}, 1)],
)
def test_a_final_event_without_usage_leaves_it_unknown(
    missing: dict[str, Any], flags: Any
) -> None:
    reading = read(partial(0) + completed(**missing))
    assert meaning(reading) == IS_OK
    assert reading.usage is None
    assert reading.flags == (("usage_unreadable",) if flags else ())


def test_a_final_event_with_an_address_only_is_no_picture() -> None:
    reading = read(completed(b64_json="", url="https://x.example/1.png"))
    assert reading.error_code == "url_only"


LINES = ("\n", "\r\n", "\r")


@given(
    texts=st.lists(
        st.sampled_from(["data: {}", ": x", "event: a", "data"]), max_size=9
    ),
    end=st.sampled_from(LINES),
    step=st.integers(1, 40),
)
def test_an_event_ends_where_its_empty_line_does_however_bytes_arrive(
    texts: list[str], end: str, step: int
) -> None:
    said = "".join(f"{text}{end}{end}" for text in texts).encode()
    ends = [event.end for event in events(said)]
    assert len(ends) == sum(text.startswith("data") for text in texts)
    assert all(said[:at].endswith(2 * end.encode()) for at in ends)
    sizes = [*range(step, len(said), step), len(said)]
    arrived = [(n_bytes, n_bytes * 7) for n_bytes in sizes]
    found = instants_of(arrived, ends)
    assert [at // 7 for at in found] == [
        next(size for size in sizes if size >= end) for end in ends
    ]
    assert all(a <= b for a, b in itertools.pairwise(found))


def test_a_whole_answer_that_is_only_called_a_stream_keeps_its_picture() -> None:
    said = {"created": 1, "data": [{"b64_json": PICTURE}], "usage": USAGE}
    for option in (0, orjson.OPT_INDENT_2):
        reading = read_answer(200, orjson.dumps(said, option=option), STREAM)
        assert (reading.outcome, reading.pictures) == (Outcome.OK, (b"a picture",))


def left(*told: str) -> Reading:
    answer = Exchange(
        stamps=RequestStamps(started_ns=0, sent_ns=1),
        status=200,
        headers={"content-type": STREAM},
        body="".join(told).encode(),
        failure="left",
    )
    return understood(answer)


def test_a_program_that_leaves_when_it_was_told_no_loses_no_outcome() -> None:
    error = {"code": "moderation_blocked", "message": "no"}
    # The official library closes the stream as soon as it has read this.
    blocked = left(partial(0), event("error", error=error))
    assert (blocked.outcome, blocked.error_code) == (
        Outcome.REFUSED,
        "moderation_blocked",
    )
    said = {"id": "resp_1", "output": [{"type": "message"}], "usage": MAINLINE}
    talked = left(event("response.completed", response=said))
    assert (talked.outcome, talked.error_code) == (Outcome.UNUSABLE, "no_image")
    assert talked.billing is Billing.BILLED_UNUSABLE
    broken = left(partial(0))
    assert (broken.outcome, broken.error_code) == (Outcome.CANCELLED, "left_stream")
