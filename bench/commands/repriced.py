"""Repriced: past runs at other prices, as tables, sentences and JSON."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import typer

from bench.commands.showing import SIMULATED
from bench.store.queries import Row
from bench.studies.asked_price import Wanted
from bench.studies.price_change import RateChange, Why
from bench.studies.repricing import Change, RepricedCell, Repricing, Sums, sums
from bench.words.figures import (
    UNKNOWN,
    dollars,
    known_dollars,
    signed_dollars,
    so_many,
)
from bench.words.printable import printable
from bench.words.tables import print_table
from bench.words.variants import beside_model
from pricing.charge import OWN_BOOK
from pricing.money import usd_text

SCHEMA = "pixelmeter.reprice/1"
Json = dict[str, object]
_MOST_CELLS = 4
_MONEY = (("requests", True), ("charged", True), ("repriced", True))
_ORDER = "~+-?"
_RATES = {"batch": " at batch rates", "as_sent": " at batch rates where so sent"}
_WORDS = {
    "~": "another price",
    "+": "a price now",
    "-": "no price any more",
    "?": "no price, then or now",
}


def print_repricing(found: Repricing, runs: Sequence[Row], wanted: Wanted) -> None:
    """What it comes to, by cell or by run, and what changed."""
    names = {cell.run_id for cell in found.cells}
    is_through = any(cell.asked["route"] == "gateway" for cell in found.cells)
    through = " (gateways through their own schemes)" if is_through else ""
    title = (
        f"run {runs[0]['run_id']}, suite {runs[0]['suite']}"
        if len(runs) == 1
        else so_many(len(runs), "run")
    )
    typer.echo(f"{title}: {_asked(found, wanted)}{through}; what was charged stays")
    if any(row["simulated"] for row in runs):
        typer.echo(SIMULATED)
    if not names:
        typer.echo("nothing was sent, so there is nothing to price")
        return
    if len(runs) == 1:
        _print_cells(found.cells)
    else:
        _print_runs(found.cells, runs)
    if not _together(found.cells).is_of_all:
        typer.echo("difference: of the requests that have a price both times")
    _print_changes(found.cells)
    if found.n_judged:
        typer.echo(
            f"\n{so_many(found.n_judged, 'request')} priced a second way: "
            "the same to the last digit"
        )


def _asked(found: Repricing, wanted: Wanted) -> str:
    book = (
        f"by the {wanted.vendor} book" if wanted.vendor else "by each endpoint's book"
    )
    rates = _RATES.get(wanted.tiers_of(c.asked for c in found.cells), "")
    day = f"as of {wanted.as_of}" if wanted.as_of else "on the day of each request"
    return printable(f"{book}{rates}, {day}")


def _print_cells(cells: Sequence[RepricedCell]) -> None:
    print_table(
        [("endpoint", False), ("model", False), ("asked", False), *_columns()],
        [
            *([*_named(cell), *_figures(sums(cell.changes))] for cell in cells),
            *([name, "", "", *_figures(money)] for name, money in _in_all(cells)),
        ],
    )


def _print_runs(cells: Sequence[RepricedCell], runs: Sequence[Row]) -> None:
    of_run: dict[str, list[RepricedCell]] = defaultdict(list)
    for cell in cells:
        of_run[cell.run_id].append(cell)
    print_table(
        [("run", False), ("suite", False), *_columns()],
        [
            *(
                [
                    row["run_id"],
                    row["suite"] + (" (simulated)" if row["simulated"] else ""),
                    *_figures(_together(of_run[row["run_id"]])),
                ]
                for row in runs
            ),
            *([name, "", *_figures(money)] for name, money in _in_all(cells)),
        ],
    )


def _columns() -> list[tuple[str, bool]]:
    return [*_MONEY, ("difference", True)]


def _named(cell: RepricedCell) -> list[str]:
    asked = cell.asked
    if asked["endpoint"] is None:
        return ["not known", UNKNOWN, "its trial's record is damaged"]
    mark = " (simulated)" if asked["simulated"] else ""
    return [asked["endpoint"] + mark, asked["model"], beside_model(asked)]


def _figures(money: Sums) -> list[str]:
    new, gone = money.requests["+"] + money.requests["?"], money.n_without_price
    return [
        f"{money.n_requests:,}",
        known_dollars(money.charge_usd, new),
        known_dollars(money.repriced_usd, gone),
        UNKNOWN
        if money.difference_usd is None
        else signed_dollars(money.difference_usd),
    ]


def _in_all(cells: Sequence[RepricedCell]) -> list[tuple[str, Sums]]:
    """Money that was spent, and money that nobody spent: never in one sum."""
    spent = [cell for cell in cells if not cell.asked["simulated"]]
    simulated = [cell for cell in cells if cell.asked["simulated"]]
    if not (spent and simulated):
        return [("together", _together(cells))]
    return [
        ("together, real", _together(spent)),
        ("together, simulated", _together(simulated)),
    ]


def _together(cells: Iterable[RepricedCell]) -> Sums:
    return sums(change for cell in cells for change in cell.changes)


def _print_changes(cells: Sequence[RepricedCell]) -> None:
    """Requests that changed for one reason, together."""
    alike: dict[tuple[str, bool, Why], list[tuple[RepricedCell, Change]]] = defaultdict(
        list
    )
    for cell in cells:
        for change in cell.changes:
            if change.mark != "=":
                reason = Why(sentences=change.why.sentences)
                is_simulated = bool(cell.asked["simulated"])
                alike[change.mark, is_simulated, reason].append((cell, change))
    typer.echo("\nwhat changed, and why" if alike else "\nnothing changed")
    for (mark, _, why), both in sorted(
        alike.items(), key=lambda one: (_ORDER.index(one[0][0]), one[0][1])
    ):
        typer.echo(_headline(mark, [change for _, change in both]))
        typer.echo(f"    {_where(cell for cell, _ in both)}")
        for sentence in why.sentences:
            typer.echo(f"    {printable(sentence)}")
    same = sums(c for cell in cells for c in cell.changes if c.mark == "=")
    if same.n_requests:
        typer.echo(
            f"= {so_many(same.n_requests, 'request')}: the same price"
            f"{_by_estimate(same)}"
        )


def _headline(mark: str, changes: Sequence[Change]) -> str:
    money = sums(changes)
    parts = [f"{mark} {so_many(money.n_requests, 'request')}: {_WORDS[mark]}"]
    if mark == "~":
        was, now = dollars(money.charge_usd), dollars(money.repriced_usd)
        difference = signed_dollars(money.difference_usd or Decimal(0))
        parts.append(f"{was} -> {now} ({difference})")
    elif mark == "+":
        parts.append(dollars(money.repriced_usd))
    elif mark == "-":
        parts.append(f"{dollars(money.charge_usd)} was charged")
    if money.possibly_billed_usd and mark in "+-?":
        parts.append(
            f"up to {dollars(money.possibly_billed_usd)} possibly billed, at the run's "
            "own prices"
        )
    return ", ".join(parts) + _by_estimate(money)


def _by_estimate(money: Sums) -> str:
    n = money.n_estimated
    return f", {n:,} of them by estimated tokens" if n else ""


def _where(cells: Iterable[RepricedCell]) -> str:
    names = list(dict.fromkeys(" ".join(_named(cell)) for cell in cells))
    more = len(names) - _MOST_CELLS
    shown = "; ".join(names[:_MOST_CELLS])
    return printable(f"{shown}; and {more} more" if more > 0 else shown)


def answer(found: Repricing, runs: Sequence[Row], wanted: Wanted) -> Json:
    """The whole of it, money as exact text."""
    of_run: dict[str, list[RepricedCell]] = defaultdict(list)
    for cell in found.cells:
        of_run[cell.run_id].append(cell)
    return {
        "schema": SCHEMA,
        "book": wanted.vendor,
        "as_of": None if wanted.as_of is None else str(wanted.as_of),
        "tier": wanted.tiers_of(cell.asked for cell in found.cells),
        **_money(_together(found.cells)),
        "of_it_simulated": _money(
            _together(cell for cell in found.cells if cell.asked["simulated"])
        ),
        "judged": found.n_judged,
        "runs": [
            {
                "run_id": row["run_id"],
                "suite": row["suite"],
                "state": row["state"],
                "simulated": row["simulated"],
                **_money(_together(of_run[row["run_id"]])),
                "cells": [_cell(cell) for cell in of_run[row["run_id"]]],
            }
            for row in runs
        ],
    }


def _cell(cell: RepricedCell) -> Json:
    asked = cell.asked
    names = ("endpoint", "route", "api", "operation", "model", "quality", "size")
    return {
        "cell_index": cell.cell_index,
        **{name: asked[name] for name in names},
        "simulated": asked["simulated"],
        **_money(sums(cell.changes)),
        "changes": [_change(change) for change in cell.changes],
    }


def _change(change: Change) -> Json:
    why = change.why
    return {
        "mark": change.mark,
        "requests": change.requests,
        "estimated": change.is_estimated,
        "charge_usd": _text(change.charge_usd),
        "repriced_usd": _text(change.repriced_usd),
        "possibly_billed_usd": _text(change.possibly_billed_usd),
        "why": list(why.sentences),
        "rates": [_rate(rate) for rate in why.rates],
        "before": [ref.to_json() for ref in why.before],
        "after": None if why.after is None else why.after.to_json(),
        "flags": [OWN_BOOK] if why.is_own else [],
    }


def _rate(change: RateChange) -> Json:
    rate = change.after or change.before
    return {
        "class": change.name,
        "before_usd": _text(change.before.usd if change.before else None),
        "after_usd": _text(change.after.usd if change.after else None),
        "per": None if rate is None else rate.per,
    }


def _money(money: Sums) -> Json:
    return {
        "charge_usd": _text(money.charge_usd),
        "repriced_usd": _text(money.repriced_usd),
        "difference_usd": _text(money.difference_usd),
        "possibly_billed_usd": _text(money.possibly_billed_usd),
        "requests": {
            "all": money.n_requests,
            "new": money.requests["+"],
            "gone": money.requests["-"],
            "changed": money.requests["~"],
            "same": money.requests["="],
            "unknown": money.requests["?"],
            "estimated": money.n_estimated,
        },
    }


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)
