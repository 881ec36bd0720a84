"""What an endpoint tells of jobs and lines is read, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.attempt import Billing, Outcome
from bench.client.exchange import Exchange
from bench.jobs.follower import pauses
from bench.jobs.job import Job, Step, job_record, jobs_of
from bench.jobs.submitter import line_of
from bench.jobs.told import (
    Seen,
    error_reading,
    missing_reading,
    read_json,
    read_line,
    read_seen,
)
from bench.transport.stamps import RequestStamps

_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
_MEMBERS = (
    *("id", "status", "created_at", "completed_at", "request_counts", "errors"),
    *("output_file_id", "error_file_id", "metadata", "input_file_id"),
    *("custom_id", "response", "error", "status_code", "body", "code", "data"),
)
_OBJECTS = st.recursive(
    _PLAIN | st.lists(_PLAIN, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(_MEMBERS), inner, max_size=4),
    max_leaves=6,
)


def job(**members: Any) -> Job:
    return Job(
        job_id="j1",
        endpoint="direct",
        path="/v1/images/generations",
        model="gpt-image-2",
        attempt_ids=("a.1", "b.1"),
        at="2026-11-22T05:00:00.000000Z",
        **members,
    )


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(_MEMBERS), _OBJECTS))
def test_no_job_and_no_line_is_too_odd_to_be_read(content: dict[str, Any]) -> None:
    seen = read_seen(content)
    if seen is not None:
        reading = missing_reading(seen)
        assert reading.outcome in set(Outcome)
        assert job_record(seen.over(job()))["batch_id"] == seen.batch_id
    line = read_line(json.dumps(content).encode())
    if line is not None and line.status is None:
        assert error_reading(line).billing in {
            Billing.UNBILLED,
            Billing.POSSIBLY_BILLED,
        }


@pytest.mark.parametrize(
    ("state", "n_completed", "files", "outcome", "billing"),
    [
        ("failed", 0, (), Outcome.CLIENT_ERROR, Billing.UNBILLED),
        ("failed", 1, (), Outcome.LOST, Billing.POSSIBLY_BILLED),
        ("failed", 0, ("file-1",), Outcome.LOST, Billing.POSSIBLY_BILLED),
        ("completed", 2, (), Outcome.LOST, Billing.POSSIBLY_BILLED),
        ("expired", 1, (), Outcome.TIMED_OUT, Billing.POSSIBLY_BILLED),
        ("cancelled", 1, (), Outcome.CANCELLED, Billing.POSSIBLY_BILLED),
    ],
)
def test_a_request_without_a_line_is_unbilled_only_where_nothing_was_carried_out(
    state: str,
    n_completed: int,
    files: tuple[str, ...],
    outcome: Outcome,
    billing: Billing,
) -> None:
    seen = Seen(batch_id="b", state=state, n_completed=n_completed, files=files)
    reading = missing_reading(seen)
    assert (reading.outcome, reading.billing) == (outcome, billing)


def test_a_job_refused_for_a_limit_is_one_that_resume_sends_again() -> None:
    seen = Seen(batch_id="b", state="failed", error_code="token_limit_exceeded")
    assert missing_reading(seen).outcome is Outcome.RATE_LIMITED


def test_later_records_of_a_job_hold_for_what_they_tell_whatever_their_order() -> None:
    first = job()
    made = job(step=Step.SUBMITTED, batch_id="b1", state="in_progress", created_at=5)
    ended = job(step=Step.COLLECTED, batch_id="b1", state="completed", ended_at=9)
    records = [job_record(one) for one in (first, made, ended)]
    records[1]["at"] = "2026-11-22T05:00:01.000000Z"
    records[2]["at"] = "2026-11-22T05:00:02.000000Z"
    for order in (records, records[::-1]):
        (read,) = jobs_of(order)
        assert read.attempt_ids == first.attempt_ids
        assert (read.at, read.step, read.is_open) == (first.at, Step.COLLECTED, False)
        assert (read.state, read.created_at, read.to_completion_s) == (
            "completed",
            5,
            4,
        )
    assert jobs_of(records[1:]) == ()


def test_a_request_stands_in_a_line_exactly_as_it_was_written() -> None:
    body = '{"prompt":"早安","n":1,"x":0.10}'.encode()
    line = line_of("t.1", "/v1/images/generations", body)
    assert line.endswith(b"\n")
    assert body in line
    read = orjson.loads(line)
    assert (read["custom_id"], read["method"]) == ("t.1", "POST")
    assert read["body"]["prompt"] == "早安"


@pytest.mark.parametrize("space", ["", " ", "\n  "])
def test_the_body_of_a_line_is_what_was_written_to_the_last_digit(space: str) -> None:
    body = f'{{"usage":{space}{{"cost":{space}0.01234567890123456789012345}},"x":[1]}}'
    before = '"id":"body","error":null,"metadata":{"response":{"body":1}},'
    content = (
        f'{{{before}"response":{{"status_code":200,{space}"body":{space}{body}}},'
        f'{space}"custom_id":"t.1"}}'
    )
    line = read_line(content.encode())
    assert line is not None
    assert (line.attempt_id, line.status) == ("t.1", 200)
    assert line.body == body.encode()


def test_a_line_nested_too_deep_to_be_walked_is_read_all_the_same() -> None:
    deep = "[" * 900 + "]" * 900
    content = f'{{"custom_id":"t.1","response":{{"status_code":200,"body":{deep}}}}}'
    line = read_line(content.encode())
    assert line is not None
    assert line.body == deep.encode()


def test_pauses_grow_to_twelve_times_the_first_and_vary() -> None:
    import random

    found = pauses(5.0, random.Random(1))
    lengths = [next(found) for _ in range(20)]
    assert 4 <= lengths[0] <= 6
    assert all(48 <= length <= 72 for length in lengths[8:])
    assert len(set(lengths)) == len(lengths)


def test_what_is_no_success_or_no_object_says_nothing() -> None:
    stamps = RequestStamps(started_ns=0)
    for status, body in ((500, b"{}"), (200, b"[1]"), (200, b"<html>"), (200, None)):
        assert read_json(Exchange(stamps=stamps, status=status, body=body)) == {}
