"""Settle: an answer and its pictures made into an attempt; pure."""

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
from bench.client.exchange import Exchange
from bench.doubts import doubts_of
from bench.plan.frozen import PlannedTrial
from bench.plan.prices import Counts, PricedModel
from bench.transport.stamps import RequestStamps, instants_of
from bench.wire.cost import OTHERWISE, cost_of_headers
from bench.wire.headers import kept_headers, request_id, retry_after_s
from bench.wire.reading import Reading
from pricing.errors import PricingError
from pricing.money import round_usd

NS_PER_S = 1e9
# Of the Responses API: words for what is charged at standard rates.
USUAL_TIERS = frozenset({"auto", "default", "standard"})
TIER_UNPRICED = "service_tier_unpriced"


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
    n_made = _n_made(sending.planned, reading, len(pictures))
    counts, source = _counts(sending.planned, reading, n_made, priced)
    is_known = source is not UsageSource.ABSENT
    money = _money(
        sending.planned, reading, counts if is_known else None, priced, n_made
    )
    cost, cost_flags = _cost(answer, reading, money)
    remarks = (*answer.flags, *reading.flags, *money.flags)
    trial, partials_s = sending.planned.trial, _partials_s(answer, reading)
    author = None if priced.author is None else priced.author.model
    doubts = doubts_of(trial.cell, reading, seen, len(pictures), author)
    return Attempt(
        attempt_id=sending.attempt_id,
        trial_id=trial.trial_id,
        attempt_no=sending.attempt_no,
        endpoint=trial.cell.endpoint,
        outcome=reading.outcome,
        billing=reading.billing,
        started_at=sending.started_at,
        stamps=_stamps(sending, answer, partials_s),
        served=_served(reading.served, seen),
        money=replace(money, flags=(*remarks, *doubts, *cost_flags)),
        usage=dict(counts or {}),
        usage_source=source,
        pictures=pictures,
        simulated=_is_simulated(answer, pictures),
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
    planned: PlannedTrial, reading: Reading, n_made: int, priced: PricedModel
) -> tuple[Counts | None, UsageSource]:
    """What is charged by class, or as much of it as is known, and where it is from.

    Text models have no published rule: what they used is told, or not known.
    """
    if reading.billing not in {Billing.BILLED, Billing.BILLED_UNUSABLE}:
        return None, UsageSource.ABSENT
    needed = [reading.mainline] if priced.mainline is not None else []
    needed += [reading.author] if priced.author is not None else []
    beside = {name: n for one in needed for name, n in (one or {}).items()}
    counts, source = None, UsageSource.ABSENT
    is_unused = reading.usage is not None and not any(reading.usage.values())
    if reading.usage is not None and not priced.card.images:
        counts, source = reading.usage, UsageSource.REPORTED
    # No price of whole pictures says what a text in place of one costs.
    elif planned.expected is not None and not is_unused:
        counts, source = _expected(planned, n_made), UsageSource.ESTIMATED
    if needed and (counts is None or not all(needed)):
        return {**(counts or {}), **beside} or None, UsageSource.ABSENT
    return None if counts is None else {**counts, **beside}, source


def _expected(planned: PlannedTrial, n_made: int) -> Counts:
    """What the rule expects of the pictures that came, be they more than were asked."""
    counts, n = planned.expected or {}, planned.trial.cell.n
    # Rounded up: the rule's counts are of all that were asked for.
    return {
        name: None if count is None else -(-count * n_made // n)
        for name, count in counts.items()
    }


def _n_made(planned: PlannedTrial, reading: Reading, n_pictures: int) -> int:
    """Pictures that are paid: those that came, or all where an answer has no end."""
    is_whole = reading.outcome is Outcome.OK and n_pictures > 0
    return n_pictures if is_whole else planned.trial.cell.n


def _money(
    planned: PlannedTrial,
    reading: Reading,
    counts: Counts | None,
    priced: PricedModel,
    n_made: int,
) -> Money:
    nothing = Decimal(0)
    if reading.billing in {Billing.NOT_SENT, Billing.UNBILLED}:
        return Money(charge_usd=nothing, list_usd=nothing)
    if not _has_rates(planned, reading, priced):
        return Money(possibly_billed_usd=planned.bound_usd, flags=(TIER_UNPRICED,))
    if counts is None:
        return Money(possibly_billed_usd=planned.bound_usd)
    try:
        charges = priced.charges(counts, planned.trial.cell, n_made)
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


def _has_rates(planned: PlannedTrial, reading: Reading, priced: PricedModel) -> bool:
    """Whether the tier that served a call is the one that the card's rates are of.

    The answer says it; where it does not, the request.
    """
    asked = planned.trial.cell.text("service_tier")
    return (reading.service_tier or asked) in {None, *USUAL_TIERS, priced.card.tier}


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


def _is_simulated(answer: Exchange, pictures: tuple[Picture, ...]) -> bool:
    is_marked = any(picture.simulated for picture in pictures)
    return "x-emulator" in answer.headers or is_marked


def _stamps(
    sending: Sending, answer: Exchange, partials_s: tuple[float, ...]
) -> Stamps:
    first_s = partials_s[0] if partials_s else None
    return replace(durations(sending, answer.stamps), first_partial_s=first_s)


def _seen(pictures: tuple[Picture, ...]) -> Served:
    """What the bytes of the first picture say that can be opened."""
    first = next((p for p in pictures if p.problem is None), None)
    if first is None:
        return Served()
    is_sized = first.width_px is not None
    size = f"{first.width_px}x{first.height_px}" if is_sized else None
    return Served(size=size, format=first.format)


def _served(stated: Served, seen: Served) -> Served:
    """What was served; the bytes of a picture outrank the answer."""
    return replace(
        stated, size=seen.size or stated.size, format=seen.format or stated.format
    )


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
