"""Told: what an endpoint says of a job, and of each of its lines; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson

from bench.attempt import Billing, Outcome
from bench.client.exchange import Exchange
from bench.jobs.job import Job
from bench.wire.parsed import json_object
from bench.wire.reading import LONGEST_MESSAGE, Reading, text

Json = dict[str, Any]
# The states of a job that no answer comes in any more.
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_ENDED_AT = ("completed_at", "failed_at", "expired_at", "cancelled_at")
# What the endpoint says of lines that it did not carry out, and does not charge.
_NOT_DONE = {
    "batch_expired": Outcome.TIMED_OUT,
    "batch_cancelled": Outcome.CANCELLED,
}
_SUCCESS = range(200, 300)
_MOST_INT = 2**53
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A job as the endpoint tells it.

    Attributes:
        files: Where its answers and its errors are, as far as there are any.
        error_code, error_message: Why it failed as a whole.
    """

    batch_id: str
    state: str
    n_requests: int | None = None
    n_completed: int | None = None
    n_failed: int | None = None
    created_at: int | None = None
    ended_at: int | None = None
    files: tuple[str, ...] = ()
    input_file_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    error_code: str | None = None
    error_message: str | None = None

    @property
    def is_ended(self) -> bool:
        """Whether no more answers come."""
        return self.state in ENDED

    def over(self, job: Job) -> Job:
        """The job with what is told of it now."""
        told = {
            name: getattr(self, name)
            for name in ("n_completed", "n_failed", "created_at", "ended_at")
            if getattr(self, name) is not None
        }
        return replace(job, batch_id=self.batch_id, state=self.state, **told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a job's answers.

    Attributes:
        attempt_id: Whose it is, as it says.
        status: None where there is no answer, but an error.
    """

    attempt_id: str
    status: int | None = None
    request_id: str | None = None
    body: bytes = b""
    error_code: str | None = None
    error_message: str | None = None


def is_success(answer: Exchange) -> bool:
    """Whether an answer came whole, with a status that says yes."""
    return answer.failure is None and answer.status in _SUCCESS


def read_json(answer: Exchange) -> Json:
    """The object of an answer that is a success, empty for anything else."""
    return (is_success(answer) and json_object(answer.body or b"")) or {}


def read_seen(content: Mapping[str, Any]) -> Seen | None:
    """A job as the endpoint tells it; None where this is no job."""
    batch_id, state = text(content.get("id")), text(content.get("status"))
    if batch_id is None or state is None:
        return None
    counts = _object(content.get("request_counts"))
    first = _first(_object(content.get("errors")).get("data"))
    ended = (_count(content.get(name)) for name in _ENDED_AT)
    files = (text(content.get(f"{kind}_file_id")) for kind in ("output", "error"))
    metadata = _object(content.get("metadata")).items()
    return Seen(
        batch_id=batch_id,
        state=state,
        n_requests=_count(counts.get("total")),
        n_completed=_count(counts.get("completed")),
        n_failed=_count(counts.get("failed")),
        created_at=_count(content.get("created_at")),
        ended_at=next((at for at in ended if at), None) if state in ENDED else None,
        files=tuple(file_id for file_id in files if file_id),
        input_file_id=text(content.get("input_file_id")),
        metadata={k: v for k, v in metadata if isinstance(v, str)},
        error_code=text(first.get("code")),
        error_message=text(first.get("message"), LONGEST_MESSAGE),
    )


def read_line(content: bytes) -> Line | None:
    """One line of a job's answers; None where it is none."""
    told = json_object(content) or {}
    attempt_id = text(told.get("custom_id"))
    if attempt_id is None:
        return None
    response, error = _object(told.get("response")), _object(told.get("error"))
    status = _count(response.get("status_code"))
    if status is None and not error:
        return None
    return Line(
        attempt_id=attempt_id,
        status=status,
        request_id=text(response.get("request_id")),
        body=b"" if status is None else raw_body(content, response.get("body")),
        error_code=text(error.get("code")),
        error_message=text(error.get("message"), LONGEST_MESSAGE),
    )


def raw_body(content: bytes, body: object) -> bytes:
    """The body of a line's answer as it was written: to the last digit.

    Args:
        content: The line, which is known to be JSON.
        body: The body, read; it is written anew where it can't be found.
    """
    try:
        line = content.decode()
        start = _start_of("body", line, _start_of("response", line, 0))
        return line[start : _DECODER.raw_decode(line, start)[1]].encode()
    except (ValueError, IndexError, RecursionError):
        return orjson.dumps(body)


def _start_of(name: str, content: str, at: int) -> int:
    """Where the value of a member begins, in the object that begins at `at`."""
    at = _after_space(content, at)
    while content[at] in "{,":
        key, end = _DECODER.raw_decode(content, _after_space(content, at + 1))
        # Behind the colon.
        start = _after_space(content, _after_space(content, end) + 1)
        if key == name:
            return start
        at = _after_space(content, _DECODER.raw_decode(content, start)[1])
    raise ValueError(name)


def _after_space(content: str, at: int) -> int:
    while content[at].isspace():
        at += 1
    return at


def error_reading(line: Line) -> Reading:
    """What a line without an answer means."""
    outcome = _NOT_DONE.get(line.error_code or "")
    return Reading(
        outcome=outcome or Outcome.SERVER_ERROR,
        # Of another error nobody says whether the picture had been made.
        billing=Billing.UNBILLED if outcome else Billing.POSSIBLY_BILLED,
        error_type="batch_line",
        error_code=line.error_code,
        error_message=line.error_message,
    )


def missing_reading(seen: Seen) -> Reading:
    """What it means that an ended job has no line for a request."""
    if seen.state == "failed" and not seen.n_completed and not seen.files:
        return _failed(seen)
    outcome = {"expired": Outcome.TIMED_OUT, "cancelled": Outcome.CANCELLED}
    return Reading(
        outcome=outcome.get(seen.state, Outcome.LOST),
        billing=Billing.POSSIBLY_BILLED,
        error_type="batch_job",
        error_code="no_line",
        error_message=f"{seen.batch_id} is {seen.state} and has no line for it",
    )


def _failed(seen: Seen) -> Reading:
    """A job that was refused as a whole: none of its requests was carried out."""
    code = seen.error_code or ""
    is_full = "limit" in code
    return Reading(
        outcome=Outcome.RATE_LIMITED if is_full else Outcome.CLIENT_ERROR,
        billing=Billing.UNBILLED,
        error_type="batch_job",
        error_code=seen.error_code or "batch_failed",
        error_message=seen.error_message or f"{seen.batch_id} failed as a whole",
    )


def _first(value: object) -> Json:
    """The first object of a list, empty where there is none."""
    found = cast("list[object]", value) if isinstance(value, list) else []
    return _object(found[0]) if found else {}


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < _MOST_INT else None
