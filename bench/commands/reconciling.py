"""Reconciling: bill and record side by side, as tables."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import typer

from bench.commands.reconcile_head import print_head
from bench.studies.reconcile import SETTLING_H, Reconciled
from bench.studies.reconcile_calls import CallGroup
from bench.studies.reconcile_near import NOISE_SHARE
from bench.studies.reconcile_rates import RateCheck
from bench.studies.reconcile_totals import DayTotal
from bench.words.figures import (
    UNKNOWN,
    dollars,
    known_dollars,
    signed_dollars,
    so_many,
)
from bench.words.printable import printable
from bench.words.tables import print_table
from pricing.money import minus, times, usd_text
from pricing.money import total as total_of

_MOST_LINES = 40
_MOST_EXAMPLES = 5
_RATES = {
    "same": "same",
    "differs": "DIFFERS",
    "mixed": "between two of our rates",
    "no_rate": "NO RATE in our book",
    "too_coarse": "amounts too rounded to tell",
}
_TOTALS = {
    "same": "same",
    "differs": "DIFFERS",
    "only_billed": "only in the bill",
    "only_ours": "only recorded",
    "empty": "nothing billed",
    "unknown": "a charge of ours is unknown",
    "spanned": "billed over several days: only the sum can be compared",
}
_CALLS = {
    "same": "same",
    "said_0": "BILL SAYS 0",
    "lower": "bill is lower",
    "higher": "bill is higher",
    "unknown": "our charge is unknown",
    "only_billed": "only in the bill",
    "only_ours": "only recorded",
    "book": "calls with tokens in the bill: these at our book",
}
_DOUBTS = {
    "billed": "billed",
    "not_billed": "not billed",
    "said_unbilled": "gateway says not",
    "open": "still open",
}


def print_reconciled(reconciled: Reconciled) -> None:
    """One kind of bill for people."""
    print_head(reconciled)
    if reconciled.rates:
        _print_rates(reconciled.rates)
    if reconciled.calls:
        _print_calls(reconciled)
    _print_totals(reconciled)
    _print_doubts(reconciled)
    _print_changes(reconciled)


def _print_rates(checks: Iterable[RateCheck]) -> None:
    compared = [check for check in checks if check.verdict in _RATES]
    left = [check for check in checks if check.verdict not in _RATES]
    typer.echo("\nRates, US$ for 1M tokens")
    columns = (
        *(("Model", False), ("Class", False), ("Bill", True), ("Our book", True)),
        *(("Verdict", False), ("Tier", False), ("First day", False)),
        *(("Last day", False), ("Billed", True)),
    )
    rows = [
        (
            printable(check.model or UNKNOWN),
            check.token_class or UNKNOWN,
            _rate(check.billed_usd),
            _rate(check.book_usd),
            _RATES[check.verdict] + ("" if check.is_settled else ", not settled"),
            check.tier,
            str(check.first_on),
            str(check.last_on),
            dollars(check.amount_usd),
        )
        for check in compared
    ]
    print_table(columns, rows)
    for check in left[:_MOST_LINES]:
        typer.echo(
            printable(
                f"not compared: {check.line_item or 'a line without a name'}, "
                f"{dollars(check.amount_usd)}, {_days(check.first_on, check.last_on)}: "
                f"{check.why}"
            )
        )
    _print_rest(len(left))


def _rate(usd: Decimal | None) -> str:
    return UNKNOWN if usd is None else f"${usd_text(usd)}"


def _print_calls(reconciled: Reconciled) -> None:
    typer.echo("\nCalls by model, each bill row against the attempt of its name")
    columns = (
        *(("Model", False), ("Calls", True), ("Bill", True), ("We recorded", True)),
        *(("Difference", True), ("", False)),
    )
    print_table(columns, map(_call_group, reconciled.calls))
    for row in reconciled.call_examples[:_MOST_EXAMPLES]:
        said = (
            "nothing" if row["billed_usd"] is None else f"{usd_text(row['billed_usd'])}"
        )
        typer.echo(
            printable(
                f"such as {row['call_id']}, {row['day']}, {row['model']}: the bill "
                f"says {said}, we recorded {usd_text(row['charge_usd'])} USD "
                f"(attempt {row['attempt_id']})"
            )
        )


def _call_group(group: CallGroup) -> tuple[str, ...]:
    billed, ours = group.billed_usd, group.charge_usd
    return (
        printable(group.model or UNKNOWN),
        f"{group.n:,}",
        UNKNOWN if billed is None else dollars(billed),
        UNKNOWN if ours is None else dollars(ours),
        _apart(billed, ours),
        _CALLS[group.verdict],
    )


def _apart(billed: Decimal | None, ours: Decimal | None) -> str:
    """A difference; what floats alone make is none."""
    if billed is None or ours is None:
        return UNKNOWN
    difference = minus(billed, ours)
    is_noise = abs(difference) <= times(abs(ours), NOISE_SHARE)
    return "none" if is_noise else signed_dollars(difference)


def _print_totals(reconciled: Reconciled) -> None:
    typer.echo("\nTotals by UTC day and model")
    counts = any(total.images is not None for total in reconciled.totals)
    columns = (
        *(("Day", False), ("Model", False), ("Billed", True), ("We recorded", True)),
        *(("Difference", True), ("Possibly billed", True)),
        *((("Billed images", True), ("Our images", True)) if counts else ()),
        ("", False),
    )
    print_table(columns, [_total(total, counts=counts) for total in reconciled.totals])
    _print_sums(reconciled)
    if any(not total.is_settled for total in reconciled.totals):
        typer.echo(
            "not settled: the file was written before that day's bill was complete "
            f"(at a provider {SETTLING_H} h after the day ends); import a newer one, "
            "which then stands for it"
        )
    off = [
        (total, quantity)
        for total in reconciled.totals
        for quantity in total.quantities
        if total.attempts and quantity.billed != quantity.ours
    ]
    for total, quantity in off[:_MOST_LINES]:
        billed = "none" if quantity.billed is None else f"{usd_text(quantity.billed)}"
        typer.echo(
            f"tokens differ: {total.day} {printable(total.model or UNKNOWN)} "
            f"{quantity.token_class}: billed {billed}, recorded {quantity.ours or 0}"
        )
    _print_rest(len(off))


def _print_sums(reconciled: Reconciled) -> None:
    told = [t.billed_usd for t in reconciled.totals if t.billed_usd is not None]
    if not told:
        return
    known = [t.charge_usd for t in reconciled.totals if t.charge_usd is not None]
    unknown = sum(t.n_charge_unknown for t in reconciled.totals)
    more = f" and {so_many(unknown, 'charge')} that we don't know" if unknown else ""
    typer.echo(
        f"in all: billed {usd_text(total_of(told))} USD, recorded "
        f"{usd_text(total_of(known))} USD{more}"
    )


def _total(total: DayTotal, *, counts: bool) -> tuple[str, ...]:
    difference = total.difference_usd
    is_far = difference is not None and abs(difference) > total.slack_usd
    images = (
        UNKNOWN if total.images is None else f"{total.images:,}",
        f"{total.our_images:,}",
    )
    unsettled = "" if total.is_settled or total.verdict == "empty" else ", not settled"
    return (
        str(total.day),
        printable(total.model or UNKNOWN),
        UNKNOWN if total.billed_usd is None else dollars(total.billed_usd),
        _recorded(total),
        signed_dollars(difference) if is_far and difference else UNKNOWN,
        dollars(total.possibly_billed_usd) if total.possibly_billed_usd else UNKNOWN,
        *(images if counts else ()),
        _TOTALS[total.verdict] + unsettled,
    )


def _recorded(total: DayTotal) -> str:
    if total.n_charge_unknown:
        return known_dollars(total.charge_usd, total.n_charge_unknown)
    if not total.attempts:
        return UNKNOWN
    return "$0.00" if total.charge_usd is None else dollars(total.charge_usd)


def _print_doubts(reconciled: Reconciled) -> None:
    if not reconciled.doubts:
        return
    typer.echo("\nPossibly billed attempts, and what the bill says of them")
    for doubt in reconciled.doubts[:_MOST_LINES]:
        bound = doubt.possibly_billed_usd
        most = "an unknown amount" if bound is None else f"at most {dollars(bound)}"
        typer.echo(
            printable(
                f"{_DOUBTS[doubt.verdict]}: {doubt.attempt_id} of run {doubt.run_id}, "
                f"{doubt.day}, {doubt.model} at {doubt.endpoint}, {most}: {doubt.why}"
            )
        )
    _print_rest(len(reconciled.doubts))


def _print_changes(reconciled: Reconciled) -> None:
    if not reconciled.rates:
        return
    typer.echo("\nWhat our price books should change")
    if not reconciled.book_changes:
        typer.echo("nothing: no settled rate differs from them")
    else:
        typer.echo("(in a book of your own, or in ours: docs/prices.md)")
    for change in reconciled.book_changes:
        before = (
            "no rate" if change.from_usd is None else f"${usd_text(change.from_usd)}"
        )
        own = " (your own book)" if change.own else ""
        typer.echo(
            printable(
                f"{change.vendor} {change.model}, {change.token_class}, {change.tier}: "
                f"from {before} to ${usd_text(change.to_usd)} for 1M tokens{own}, "
                f"billed so {_days(change.first_on, change.last_on)} "
                f"({dollars(change.amount_usd)})"
            )
        )


def _days(first: date, last: date) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def _print_rest(n: int) -> None:
    if n > _MOST_LINES:
        typer.echo(f"and {n - _MOST_LINES:,} more; --json has all")
