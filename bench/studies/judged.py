"""Judged: what SQL charges, charged again by `pricing` one by one."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.store.price_rows import Place
from bench.store.queries import Row
from bench.store.reprice import RECORDED, Repriced, TooLargeForSql
from bench.studies.asked_price import COUNTS, FREE
from bench.studies.asked_prices import AskedPrices
from pricing.money import total
from pricing.rates import TokenClass

if TYPE_CHECKING:
    import duckdb


class Misjudged(ArithmeticError):
    """SQL and `pricing` disagree about a charge."""


def attempt_groups(
    con: "duckdb.DuckDBPyConnection",
    places: Sequence[Place],
    prices: AskedPrices,
    source: str = RECORDED,
) -> tuple[list[Row], Repriced]:
    """Attempts that are alike, summed by SQL, or by `pricing` where SQL can't."""
    try:
        repriced = Repriced(con, places, prices.rows(all_for_python=False), source)
        groups = repriced.groups()
    except TooLargeForSql:
        repriced = Repriced(con, places, prices.rows(all_for_python=True), source)
        groups = repriced.groups()
    if any(row.is_for_python or row.n_pictures for row in repriced.prices):
        groups += _summed_here(repriced.for_python(), places, prices)
    return groups, repriced


def _summed_here(
    attempts: Iterable[Row], places: Sequence[Place], prices: AskedPrices
) -> list[Row]:
    """The same groups, made one attempt at a time."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in attempts:
        price_id = places[int(row["place_id"])].price_id
        usd = None if price_id is None else prices.found[price_id].usd(row)
        mark = _mark(row, usd)
        key = (
            row["place_id"],
            mark,
            _why(row, usd),
            row["usage_source"] == "estimated",
        )
        group = found.setdefault(
            key,
            dict(zip(("place_id", "mark", "why", "is_estimated"), key, strict=True)),
        )
        group["requests"] = group.get("requests", 0) + 1
        money = {
            "charge_usd": row["charge_usd"],
            "repriced_usd": usd,
            "possibly_billed_usd": row["possibly_billed_usd"],
        }
        for name, amount in money.items():
            group[name] = known_sum((group.get(name), amount))
        for name in TokenClass:
            group[name] = group.get(name, 0) + (row.get(name) or 0)
    return list(found.values())


def _mark(row: Row, usd: Decimal | None) -> str:
    """As in `bench.store.reprice`."""
    if row["charge_usd"] is None:
        return "=" if row["billing"] in FREE else "?" if usd is None else "+"
    if usd is None:
        return "-"
    return "=" if row["charge_usd"] == usd else "~"


def _why(row: Row, usd: Decimal | None) -> str:
    if usd is not None:
        return "priced"
    if row["is_other_tier"]:
        return "other_tier"
    is_absent = row["charge_usd"] is None and row["usage_source"] == "absent"
    has_none = is_absent or all(row[name] is None for name in COUNTS)
    return "no_usage" if has_none else "no_rate"


def judge(sample: Iterable[Row], places: Sequence[Place], prices: AskedPrices) -> int:
    """Price some attempts again by `pricing`; how many were."""
    n_judged = 0
    for row in sample:
        price_id = places[int(row["place_id"])].price_id
        if price_id is not None:
            usd = prices.found[price_id].usd(row)
            if usd != row["repriced_usd"]:
                raise Misjudged(
                    f"attempt {row['attempt_id']}: {row['repriced_usd']} in SQL, {usd}"
                )
            n_judged += 1
    return n_judged


def known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The exact sum of what is known, None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None
