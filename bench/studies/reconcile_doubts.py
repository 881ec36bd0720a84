"""Doubts: possibly billed attempts, and what a bill says of each."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bench.store.queries import Row
from bench.studies.reconcile_totals import DayTotal
from bench.words.figures import dollars
from pricing.money import times


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One possibly billed attempt.

    Attributes:
        verdict: billed; not_billed; said_unbilled (the gateway says 0, which is not
            what its provider billed); open (the bill can't tell).
        why: The reason, a sentence without its end.
    """

    run_id: str
    attempt_id: str
    endpoint: str
    day: date
    model: str
    outcome: str
    possibly_billed_usd: Decimal | None
    billed_usd: Decimal | None
    verdict: str
    why: str


def doubts(
    rows: Iterable[Row],
    totals: Iterable[DayTotal],
    names: Mapping[str, str | None],
    *,
    is_part: bool,
    is_log: bool,
) -> tuple[Doubt, ...]:
    """What a bill proves or disproves.

    Args:
        rows: Of `bench.store.bills.doubtful`.
        totals: Of the same bill.
        names: The models of ours by the name that the totals have.
        is_part: Whether rows of the bill are known to be missing.
        is_log: Whether the bill is a gateway's own log of calls.
    """
    by_day = {(total.day, total.model): total for total in totals}
    nameless = _nameless(by_day.values())
    found: list[Doubt] = []
    for row in rows:
        total = by_day.get((row["day"], names.get(row["model"], row["model"])))
        open_why = _why_open(total, is_part=is_part, nameless=nameless)
        verdict, why, billed = _by_call(row) or _by_total(row, total, open_why)
        if is_log and verdict == "not_billed":
            verdict, why, billed = "said_unbilled", _NOT_IN_LOG, None
        doubt = Doubt(
            run_id=row["run_id"],
            attempt_id=row["attempt_id"],
            endpoint=row["endpoint"],
            day=row["day"],
            model=row["model"],
            outcome=row["outcome"],
            possibly_billed_usd=row["possibly_billed_usd"],
            billed_usd=billed,
            verdict=verdict,
            why=why,
        )
        found.append(doubt)
    return tuple(found)


_Said = tuple[str, str, Decimal | None]
_NOT_IN_LOG = (
    "the gateway's log does not have it; what its provider billed is not in it"
)
# A cost that is less than this part of its bound would not be seen.
_LEAST_SHARE = Decimal("0.01")


def _why_open(
    total: DayTotal | None, *, is_part: bool, nameless: Container[date]
) -> str | None:
    """Why sums prove nothing; None where they may."""
    if total is None or total.billed_usd is None:
        return "the bill says no dollars for that day and model"
    reasons = (
        ("the bill has a sum of several days there", total.verdict == "spanned"),
        ("that day is not settled yet", not total.is_settled),
        ("rows of the bill are missing in the import", is_part),
        ("other charges of that day are unknown", total.difference_usd is None),
        ("the bill has a credit on that day, which may hide it", total.has_credit),
        (
            "the bill has a charge of that day that names no model",
            total.day in nameless,
        ),
    )
    return next((why for why, holds in reasons if holds), None)


def _nameless(totals: Iterable[DayTotal]) -> frozenset[date]:
    """Days with a charge that may be of any model."""
    told = tuple(totals)
    alone = [t for t in told if not t.model and t.billed_usd]
    is_anywhere = any(t.verdict == "spanned" for t in alone)
    return frozenset(t.day for t in (told if is_anywhere else alone))


def _by_call(row: Row) -> _Said | None:
    if row["call_id"] is None:
        return None
    if row["billed_usd"]:
        return "billed", "the bill has this very call", row["billed_usd"]
    status = f", status {row['status']}" if row["status"] else ""
    why = f"the gateway's log says 0{status}; what its provider billed is not in it"
    return "said_unbilled", why, row["billed_usd"]


def _by_total(row: Row, total: DayTotal | None, open_why: str | None) -> _Said:
    if open_why is not None or total is None or total.difference_usd is None:
        return "open", open_why or "", None
    return _by_extra(row, total, total.difference_usd)


def _by_extra(row: Row, total: DayTotal, extra: Decimal) -> _Said:
    """What the bill has more than we recorded, and whether this was it."""
    if extra < -total.slack_usd:
        return "open", f"the bill is {dollars(-extra)} below what we recorded", None
    bound = row["possibly_billed_usd"]
    if bound is None or total.slack_usd > times(bound, _LEAST_SHARE):
        return "open", "the bill is told too coarsely to see it", None
    if extra <= total.slack_usd:
        why = "the bill is what we recorded without it: it has no room for this one"
        return "not_billed", why, Decimal(0)
    if total.n_possibly_billed == 1 and extra <= bound:
        why = (
            f"the bill has {dollars(extra)} more than we recorded, it is the only such "
            "attempt of that day and model, and its bound allows it"
        )
        return "billed", why, extra
    why = (
        f"the bill has {dollars(extra)} more than we recorded, for "
        f"{total.n_possibly_billed} such attempts of that day and model"
    )
    return "open", why, None
