"""Settle: an answer and its pictures made into an attempt; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from bench.attempt import (
    Attempt,
    Billing,
    Money,
    Outcome,
    Picture,
    ReportedCost,
    Served,
    Stamps,
    UsageSource,
)
from bench.client.exchange import NOT_READ, UPLOAD_FAILED, Exchange
from bench.plan.frozen import PlannedTrial
from bench.plan.prices import Counts, PricedModel
from bench.transport.stamps import RequestStamps
from bench.wire.answer import read_answer
from bench.wire.cost import OTHERWISE, cost_of_headers
from bench.wire.headers import kept_headers, request_id, retry_after_s
from bench.wire.reading import Reading, left_early
from pricing.errors import PricingError
from pricing.money import round_usd

NS_PER_S = 1e9
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One attempt as it was meant: name, place and clock.

    Attributes:
        scheduled_ns: When the trial was first due, on the monotonic clock.
        waiting_ns: When this attempt began to wait for its turn.
        ready_ns: When nothing but this program stood in its way any more.
        behind_ns: How late its trial came from the schedule; None without one.
    """

    planned: PlannedTrial
    attempt_id: str
    attempt_no: int
    scheduled_ns: int
    waiting_ns: int
    started_at: str
    ready_ns: int = 0
    behind_ns: int | None = None


def read(answer: Exchange) -> Reading:
    """What came back, understood; what broke off, classified."""
    if answer.failure in {NOT_READ, UPLOAD_FAILED}:
        return _stayed(answer)
    kind = answer.headers.get("content-type", "")
    if answer.failure is None and answer.status is not None:
        return read_answer(answer.status, answer.body or b"", kind)
    message = answer.message or "no answer"
    if answer.status is not None and answer.status < 300:  # noqa: PLR2004  success class
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


def settle(
    sending: Sending,
    answer: Exchange,
    reading: Reading,
    pictures: tuple[Picture, ...],
    priced: PricedModel,
) -> Attempt:
    """The attempt as it is recorded."""
    reading = _with_pictures(reading, pictures)
    seen = _seen(pictures)
    counts, source = _counts(sending.planned, reading, priced)
    is_known = source is not UsageSource.ABSENT
    money = _money(sending.planned, reading, counts if is_known else None, priced)
    cost, cost_flags = _cost(answer, reading, money)
    trial = sending.planned.trial
    partials_s = _partials_s(answer, reading)
    return Attempt(
        attempt_id=sending.attempt_id,
        trial_id=trial.trial_id,
        attempt_no=sending.attempt_no,
        endpoint=trial.cell.endpoint,
        outcome=reading.outcome,
        billing=reading.billing,
        started_at=sending.started_at,
        stamps=replace(
            durations(sending, answer.stamps),
            first_partial_s=partials_s[0] if partials_s else None,
        ),
        served=_served(reading.served, seen),
        money=replace(
            money,
            flags=(
                *answer.flags,
                *reading.flags,
                *money.flags,
                *_doubts(sending, reading, seen, len(pictures)),
                *cost_flags,
            ),
        ),
        usage=dict(counts or {}),
        usage_source=source,
        pictures=pictures,
        simulated="x-emulator" in answer.headers
        or any(picture.simulated for picture in pictures),
        http_status=answer.status,
        error_type=reading.error_type,
        error_code=reading.error_code,
        error_message=reading.error_message,
        retry_after_s=retry_after_s(answer.headers),
        request_id=request_id(answer.headers),
        headers=kept_headers(answer.headers),
        reported_cost=cost,
        response_id=reading.response_id,
        partials_s=partials_s,
    )


def _with_pictures(reading: Reading, pictures: tuple[Picture, ...]) -> Reading:
    """A picture that can't be opened makes its whole answer unusable."""
    problem = next((p.problem for p in pictures if p.problem), None)
    if reading.outcome is not Outcome.OK or problem is None:
        return reading
    return replace(
        reading,
        outcome=Outcome.UNUSABLE,
        billing=Billing.BILLED_UNUSABLE,
        error_type="unusable_answer",
        error_code="bad_image",
        error_message=problem,
    )


def _counts(
    planned: PlannedTrial, reading: Reading, priced: PricedModel
) -> tuple[Counts | None, UsageSource]:
    """What is charged by class, or as much of it as is known, and where it is from.

    The text model has no published rule: what it used is told, or not known.
    """
    if reading.billing not in {Billing.BILLED, Billing.BILLED_UNUSABLE}:
        return None, UsageSource.ABSENT
    mainline = None if priced.mainline is None else dict(reading.mainline or {})
    counts, source = None, UsageSource.ABSENT
    if reading.usage is not None and not priced.card.images:
        counts, source = reading.usage, UsageSource.REPORTED
    elif planned.expected is not None:
        counts, source = planned.expected, UsageSource.ESTIMATED
    if mainline is None:
        return counts, source
    if counts is None or not mainline:
        return {**(counts or {}), **mainline} or None, UsageSource.ABSENT
    return {**counts, **mainline}, source


def _money(
    planned: PlannedTrial,
    reading: Reading,
    counts: Counts | None,
    priced: PricedModel,
) -> Money:
    nothing = Decimal(0)
    if reading.billing in {Billing.NOT_SENT, Billing.UNBILLED}:
        return Money(charge_usd=nothing, list_usd=nothing)
    if counts is None:
        return Money(possibly_billed_usd=planned.bound_usd)
    try:
        charges = priced.charges(counts, planned.trial.cell)
    except PricingError:
        # Counts that contradict themselves leave the charge unknown, not 0.
        return Money(
            possibly_billed_usd=planned.bound_usd, flags=("usage_not_priceable",)
        )
    above = charges.endpoint.usd > planned.bound_usd
    return Money(
        charge_usd=charges.endpoint.usd,
        list_usd=charges.direct.usd,
        flags=(*charges.endpoint.flags, *(("above_bound",) if above else ())),
    )


def _cost(
    answer: Exchange, reading: Reading, money: Money
) -> tuple[ReportedCost | None, tuple[str, ...]]:
    """What the answer says it cost, and whether that is what we charged.

    A header is of the endpoint that is paid; a body may be passed on from further up.
    """
    cost, flags = cost_of_headers(answer.headers)
    if cost is None:
        cost = reading.cost
    if cost is None or money.charge_usd == round_usd(cost.usd):
        return cost, flags
    return cost, (*flags, OTHERWISE)


def _partials_s(answer: Exchange, reading: Reading) -> tuple[float, ...]:
    """From request sent to the last byte of each partial picture's event."""
    sent_ns = answer.stamps.sent_ns
    if sent_ns is None:
        return ()
    return tuple(
        max(0, at_ns - sent_ns) / NS_PER_S
        for at_ns in instants_of(answer.arrived, reading.partial_ends)
    )


def instants_of(arrived: Iterable[tuple[int, int]], ends: Iterable[int]) -> list[int]:
    """When so many bytes of a body were there, both in rising order.

    What was never stamped is left out, and all that follows it.
    """
    found: list[int] = []
    steps = iter(arrived)
    n_bytes, at_ns = 0, 0
    for end in ends:
        while n_bytes < end:
            n_bytes, at_ns = next(steps, (0, 0))
            if not n_bytes:
                return found
        found.append(at_ns)
    return found


def _seen(pictures: tuple[Picture, ...]) -> Served:
    """What the bytes of the first picture say that can be opened."""
    first = next((p for p in pictures if p.problem is None), None)
    if first is None:
        return Served()
    return Served(size=f"{first.width_px}x{first.height_px}", format=first.format)


def _served(stated: Served, seen: Served) -> Served:
    """What was served; the bytes of a picture outrank the answer."""
    if seen.size is None:
        return stated
    return replace(stated, size=seen.size, format=seen.format)


def _doubts(
    sending: Sending, reading: Reading, seen: Served, n_pictures: int
) -> tuple[str, ...]:
    """Where the picture, the answer and the request don't agree."""
    cell = sending.planned.trial.cell
    asked_format = cell.text("output_format")
    size, quality = cell.text("size"), cell.text("quality")
    stated = reading.served
    checks = (
        ("size_not_as_asked", size, seen.size),
        ("format_not_as_asked", asked_format, seen.format),
        ("quality_not_as_asked", quality, stated.quality),
        ("size_misstated", stated.size, seen.size),
        ("format_misstated", stated.format, seen.format),
    )
    found = tuple(
        word
        for word, wanted, got in checks
        if wanted not in {None, "auto"} and got not in {None, "auto", wanted}
    )
    too_few = reading.outcome is Outcome.OK and n_pictures != cell.n
    return (*found, *(("images_not_as_asked",) if too_few else ()))


def durations(sending: Sending, stamps: RequestStamps) -> Stamps:
    """Instants as durations in seconds; none is ever negative."""

    def between(start: int | None, end: int | None) -> float | None:
        if start is None or end is None:
            return None
        return max(0, end - start) / NS_PER_S

    # When bytes arrived the kernel knows better than who read them late.
    first_byte_ns = stamps.kernel_first_byte_ns or stamps.first_byte_ns
    last_byte_ns = stamps.kernel_last_byte_ns or stamps.last_byte_ns
    kept = stamps.may_have_left and stamps.connect_started_ns is None
    return Stamps(
        queued_s=between(sending.waiting_ns, stamps.started_ns),
        connect_s=0.0
        if kept
        else between(stamps.connect_started_ns, stamps.connected_ns),
        first_byte_s=between(stamps.sent_ns, first_byte_ns),
        service_s=between(stamps.sent_ns, last_byte_ns),
        total_s=between(sending.scheduled_ns, last_byte_ns),
        lag_s=between(stamps.kernel_last_byte_ns, stamps.last_byte_ns),
        late_s=_late_s(sending, stamps),
    )


def _late_s(sending: Sending, stamps: RequestStamps) -> float | None:
    """How late a request is by our own fault: waits for limits are not in it."""
    if sending.behind_ns is None:
        return None
    since_ready_ns = stamps.started_ns - sending.ready_ns - stamps.uploads_ns
    own_ns = sending.behind_ns + max(0, since_ready_ns)
    return own_ns / NS_PER_S
