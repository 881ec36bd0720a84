"""Understood: what came back for a request, as facts; pure."""

from dataclasses import replace

from bench.attempt import Billing, Outcome
from bench.client.exchange import NOT_READ, UPLOAD_FAILED, Exchange
from bench.transport.stamps import RequestStamps
from bench.wire.answer import read_answer
from bench.wire.reading import Reading, left_early

_SUCCESS = range(200, 300)


def read(answer: Exchange) -> Reading:
    """What came back, understood; what broke off, classified."""
    if answer.failure in {NOT_READ, UPLOAD_FAILED}:
        return _stayed(answer)
    kind = answer.headers.get("content-type", "")
    if answer.failure is None and answer.status is not None:
        return read_answer(answer.status, answer.body or b"", kind)
    message = answer.message or "no answer"
    if answer.status is not None and answer.status < _SUCCESS.stop:
        reading = read_answer(answer.status, answer.body or b"", kind, message)
        return left_early(reading) if answer.failure == "left" else reading
    is_late = answer.failure == "timeout"
    if not answer.stamps.may_have_left:
        outcome = Outcome.TIMED_OUT if is_late else Outcome.SERVER_ERROR
        billing = Billing.NOT_SENT
    else:
        outcome = Outcome.TIMED_OUT if is_late else Outcome.LOST
        billing = Billing.POSSIBLY_BILLED
    return Reading(
        outcome=outcome,
        billing=billing,
        error_type=answer.failure,
        error_message=message,
    )


def _stayed(answer: Exchange) -> Reading:
    """A request that a picture of its own kept here, so that nothing was asked.

    Where the endpoint refused the picture, it says whether to go on.
    """
    reading = Reading(outcome=Outcome.CLIENT_ERROR, billing=Billing.NOT_SENT)
    if answer.failure == UPLOAD_FAILED:
        status = answer.status or 0
        if status and status not in _SUCCESS:
            reading = read_answer(status, answer.body or b"")
        else:
            reading = replace(reading, outcome=Outcome.SERVER_ERROR)
    said = reading.error_message
    return replace(
        reading,
        billing=Billing.NOT_SENT,
        error_type=answer.failure,
        error_message=f"{answer.message}: {said}" if said else answer.message,
    )


def cancelled(stamps: RequestStamps) -> Reading:
    """An attempt that its user broke off."""
    return Reading(
        outcome=Outcome.CANCELLED,
        billing=Billing.POSSIBLY_BILLED if stamps.may_have_left else Billing.NOT_SENT,
        error_type="cancelled",
        error_message="broken off by the user",
    )
