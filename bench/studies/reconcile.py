"""Reconcile: bills of others against what was measured, rates first."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadInput
from bench.imports.kinds import KINDS
from bench.imports.manifest import Manifest
from bench.imports.shelf import Shelf
from bench.store import billed_calls, bills, taken
from bench.store.bills import Ours, Scope
from bench.store.imported import scratch, take
from bench.store.queries import Row
from bench.studies.line_items import item_of
from bench.studies.reconcile_calls import CallGroup, call_groups
from bench.studies.reconcile_doubts import Doubt, doubts
from bench.studies.reconcile_rates import (
    BookChange,
    RateCheck,
    book_changes,
    rate_checks,
)
from bench.studies.reconcile_totals import DayTotal, day_totals, our_names
from pricing.book import PriceBook

if TYPE_CHECKING:
    import duckdb

# Providers tell a day's last lines late; OpenAI's own exports disagreed until then.
SETTLING_H = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to be compared.

    Attributes:
        imports: These alone; without any, all.
        runs, endpoints: As in `bench.store.bills.Scope`.
        first, last: UTC days, None for all that the imports cover.
    """

    imports: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One kind of bill against our record.

    Attributes:
        first, last: The UTC days that were compared.
        n_replaced: Rows of older imports that newer ones stand for.
        n_simulated: Attempts of ours that were left out as simulated.
        n_outside: Attempts of ours on days between the imports, which are left out.
        n_estimated: Charges of ours that rest on estimated tokens.
        is_simulated: Whether attempts that were compared are.
        calls: Where the bill has a row a call.
        call_examples: Calls that are not the same on both sides.
    """

    kind: str
    vendors: tuple[str, ...]
    imports: tuple[Manifest, ...]
    first: date
    last: date
    n_replaced: int
    n_simulated: int
    n_outside: int
    n_estimated: int
    is_simulated: bool
    attempts: int
    rates: tuple[RateCheck, ...]
    totals: tuple[DayTotal, ...]
    calls: tuple[CallGroup, ...]
    call_examples: tuple[Row, ...]
    doubts: tuple[Doubt, ...]
    book_changes: tuple[BookChange, ...]


def chosen_imports(shelf: Shelf, wishes: Wishes) -> dict[str, tuple[Manifest, ...]]:
    """The imports to compare by kind, oldest first.

    Raises:
        BadInput: There is none.
    """
    if wishes.imports:
        found = [shelf.manifest(name) for name in dict.fromkeys(wishes.imports)]
    else:
        found = list(shelf.manifests())
    if not found:
        raise BadInput(
            "reconcile: nothing was imported yet; `pixelmeter import KIND FILE` "
            "brings a bill in"
        )
    found.sort(key=lambda manifest: (manifest.written_at, manifest.imported_at))
    kinds = dict.fromkeys(manifest.kind for manifest in found)
    return {kind: tuple(m for m in found if m.kind == kind) for kind in kinds}


def reconcile(
    read_ours: Callable[[Scope], Ours],
    shelf: Shelf,
    manifests: Sequence[Manifest],
    book: PriceBook,
    wishes: Wishes,
) -> Reconciled | None:
    """Compare imports of one kind; None where the period has no row of them.

    `read_ours` reads our side from the index.

    Raises:
        BadInput: Two imports tell the same days in ways that don't add up.
    """
    with tempfile.TemporaryDirectory() as spill, scratch(Path(spill)) as con:
        take(con, [shelf.rows(manifest.id) for manifest in manifests])
        _refuse_unlike(con, manifests)
        taken.count_newest(con, wishes.first, wishes.last)
        lines = _with_files(bills.lines(con), manifests)
        if not lines:
            return None
        # A fee of a month says nothing of what its days were billed.
        named = [line for line in lines if item_of(book, line).model]
        scope = _scope(lines, named, wishes)
        side = read_ours(scope)
        n_outside = bills.join_ours(con, side, _spans(named, manifests))
        left_out = (side.n_simulated, n_outside)
        return _compared(con, lines, scope, book, manifests, left_out)


def _compared(
    con: "duckdb.DuckDBPyConnection",
    lines: list[Row],
    scope: Scope,
    book: PriceBook,
    manifests: Sequence[Manifest],
    left_out: tuple[int, int],
) -> Reconciled:
    kind = KINDS[manifests[0].kind]
    spent = bills.spent(con)
    has_amounts = not kind.counts_only
    totals = day_totals(book, lines, spent, has_amounts=has_amounts)
    by_call = any(manifest.by_call for manifest in manifests)
    has_rates = any(line["amount"] and line["quantity"] for line in lines)
    checks = rate_checks(book, lines) if has_rates else ()
    names = our_names(book, spent)
    return Reconciled(
        kind=kind.name,
        vendors=scope.vendors,
        imports=tuple(manifests),
        first=scope.first,
        last=scope.last,
        n_replaced=taken.n_replaced(con),
        n_simulated=left_out[0],
        n_outside=left_out[1],
        n_estimated=sum(row["n_estimated"] for row in spent),
        is_simulated=bills.any_simulated(con),
        attempts=sum(row["attempts"] for row in spent),
        rates=checks,
        totals=totals,
        calls=call_groups(book, billed_calls.calls(con), lines) if by_call else (),
        call_examples=tuple(billed_calls.call_examples(con)) if by_call else (),
        doubts=doubts(
            bills.doubtful(con),
            totals,
            names,
            is_part=any(manifest.is_part for manifest in manifests),
            is_log=by_call and kind.is_by_call,
        ),
        book_changes=book_changes(checks),
    )


def _scope(lines: Iterable[Row], named: Iterable[Row], wishes: Wishes) -> Scope:
    told = list(lines)
    days = [line["day"] for line in told]
    ends = [line["ends_on"] for line in named if line["ends_on"]]
    vendors = {str(line["vendor"]).lower() for line in told if line["vendor"]}
    return Scope(
        vendors=tuple(sorted(vendors)),
        first=min(days),
        last=max((*days, *ends)),
        runs=wishes.runs,
        endpoints=wishes.endpoints,
    )


def _spans(
    lines: Iterable[Row], manifests: Sequence[Manifest]
) -> list[tuple[date, date]]:
    """The days that each import has, to the end of its last row."""
    spans = [(line["day"], line["ends_on"]) for line in lines if line["ends_on"]]
    for manifest in manifests:
        if manifest.first_on and manifest.last_on:
            first, last = manifest.first_on, manifest.last_on
            spans.append((date.fromisoformat(first), date.fromisoformat(last)))
    return spans


def _refuse_unlike(con: Any, manifests: Sequence[Manifest]) -> None:  # noqa: ANN401  a connection
    for day, numbers in taken.unlike_days(con):
        names = ", ".join(manifests[number].id for number in numbers)
        raise BadInput(
            f"reconcile: {names}: {day} is split by project in one of them and not in "
            "another, so their sums can't be told apart; choose with --import ID"
        )
    for day, numbers in taken.days_in_two_ways(con):
        names = ", ".join(manifests[number].id for number in numbers)
        raise BadInput(
            f"reconcile: {names}: {day} is told by call and once more as a sum, so it "
            "would count twice; choose with --import ID"
        )


def _with_files(lines: list[Row], manifests: Sequence[Manifest]) -> list[Row]:
    """Each line with what its files say of it, the worst of them.

    `is_settled` is whether its day was settled when they were written, `decimals`
    how finely they tell money.
    """
    for line in lines:
        files = [manifests[int(number)] for number in line["import_nos"]]
        last = line["ends_on"] or line["day"]
        line["is_settled"] = all(_has_settled(last, file) for file in files)
        line["decimals"] = min(file.most_decimals for file in files)
    return lines


def _has_settled(day: date, manifest: Manifest) -> bool:
    day_ends = datetime.combine(day, time(), UTC) + timedelta(days=1)
    # A gateway's own log is written with each call.
    wait_h = 0 if manifest.by_call else SETTLING_H
    written_at = datetime.fromisoformat(manifest.written_at)
    return written_at >= day_ends + timedelta(hours=wait_h)
