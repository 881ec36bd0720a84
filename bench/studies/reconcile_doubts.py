"""Doubts: possibly billed attempts, and what a bill says of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bench.store.queries import Row
from bench.studies.reconcile_totals import DayTotal
from bench.words.figures import dollars


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
    rows: Iterable[Row], totals: Iterable[DayTotal], names: Mapping[str, str | None]
) -> tuple[Doubt, ...]:
    """What a bill proves or disproves.

    Args:
        rows: Of `bench.store.bills.doubtful`.
        totals: Of the same bill.
        names: The models of ours by the name that the totals have.
    """
    by_day = {(total.day, total.model): total for total in totals}
    found: list[Doubt] = []
    for row in rows:
        total = by_day.get((row["day"], names.get(row["model"], row["model"])))
        verdict, why, billed = _by_call(row) or _by_total(row, total)
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


def _by_call(row: Row) -> _Said | None:
    if row["call_id"] is None:
        return None
    if row["billed_usd"]:
        return "billed", "the bill has this very call", row["billed_usd"]
    status = f", status {row['status']}" if row["status"] else ""
    why = f"the gateway's log says 0{status}; what its provider billed is not in it"
    return "said_unbilled", why, row["billed_usd"]


def _by_total(row: Row, total: DayTotal | None) -> _Said:
    if total is None or total.billed_usd is None:
        return "open", "the bill says no dollars for that day and model", None
    if not total.is_settled:
        return "open", "that day is not settled yet", None
    if total.difference_usd is None:
        return "open", "other charges of that day are unknown", None
    return _by_extra(row, total, total.difference_usd)


def _by_extra(row: Row, total: DayTotal, extra: Decimal) -> _Said:
    """What the bill has more than we recorded, and whether this was it."""
    if extra < -total.slack_usd:
        return "open", f"the bill is {dollars(-extra)} below what we recorded", None
    if extra <= total.slack_usd:
        why = "the bill is what we recorded without it: it has no room for this one"
        return "not_billed", why, Decimal(0)
    bound = row["possibly_billed_usd"]
    if total.n_possibly_billed == 1 and bound is not None and extra <= bound:
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
