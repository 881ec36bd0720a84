"""Quantiles: exact ones of service times, with their intervals."""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb

from bench.stats import N_FOR_P95, quantile_ranks
from bench.store.chosen import Chosen, asked_rows
from bench.store.queries import Row

IS_TIMED = "ends_trial AND outcome = 'ok' AND service_s IS NOT NULL"
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_NAMES = (
    *("p50_s", "p95_s", "p99_s", "max_s"),
    *("p50_low_s", "p50_high_s", "p95_low_s", "p95_high_s"),
)
NO_TIMES: Row = dict.fromkeys(_NAMES)


def quantiles_of_all(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> Row:
    """p50_s and p95_s of all trials together; p95_s is None below n = 72."""
    (row,) = asked_rows(
        con,
        f"SELECT quantile_cont(service_s, [0.5, 0.95]) AS found, count(*) AS n "  # noqa: S608  own names
        f"FROM recorded WHERE {IS_TIMED}",
        chosen,
    )
    p50_s, p95_s = row["found"] or (None, None)
    return {"p50_s": p50_s, "p95_s": p95_s if row["n"] >= N_FOR_P95 else None}


def quantiles_by(
    con: duckdb.DuckDBPyConnection,
    chosen: Chosen,
    by: Sequence[str],
    sizes: Collection[int],
) -> dict[tuple[Any, ...], Row]:
    """Quantiles, maximum and 95 % intervals for each group of some columns.

    Only the values at the ranks that they need leave the index.

    Args:
        con: A connection to the index.
        chosen: What it is about.
        by: Columns of `recorded`.
        sizes: How many times there are in the groups.

    Returns:
        By the values of `by`: p50_s, p95_s, p99_s, max_s, p50_low_s,
        p50_high_s, p95_low_s, p95_high_s; None without a bound, and for p95
        and p99 below 72 times.
    """
    names = ", ".join(by)
    known = sorted(size for size in sizes if size)
    rows = asked_rows(
        con,
        f"""
        , sorted AS (
            SELECT {names}, list_sort(list(service_s)) AS service_s
            FROM recorded WHERE {IS_TIMED} GROUP BY {names}
        ), needed AS (
            SELECT unnest($n::BIGINT[]) AS n, unnest($ranks::BIGINT[][]) AS ranks
        )
        SELECT {names}, n, list_select(service_s, ranks) AS found
        FROM sorted JOIN needed ON n = len(service_s)
        """,  # noqa: S608  own names; values are bound
        chosen,
        n=known,
        ranks=[_ranks(n) for n in known],
    )
    return {
        tuple(row[name] for name in by): _named(row["n"], row["found"]) for row in rows
    }


def _ranks(n: int) -> list[int]:
    """Ranks, from 1, of the values that `_named` takes; 0 where there is none."""
    places = [int(q * (n - 1)) for q in _QUANTILES.values()]
    around = [(place + 1, min(place + 2, n)) for place in places]
    bounds = (quantile_ranks(n, q) for q in (0.5, 0.95))
    return [rank or 0 for pair in (*around, *bounds) for rank in pair] + [n]


def _named(n: int, found: list[float | None]) -> Row:
    times: Row = dict(NO_TIMES)
    for index, (name, q) in enumerate(_QUANTILES.items()):
        low, high = found[2 * index], found[2 * index + 1]
        place = q * (n - 1)
        if low is not None and high is not None:
            times[f"{name}_s"] = low + (high - low) * (place - int(place))
    times["p50_low_s"], times["p50_high_s"] = found[6:8]
    times["p95_low_s"], times["p95_high_s"] = found[8:10]
    times["max_s"] = found[10]
    if n < N_FOR_P95:
        unsure = ("p95_s", "p99_s", "p95_low_s", "p95_high_s")
        times.update(dict.fromkeys(unsure))
    return times
