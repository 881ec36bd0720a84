"""Quantiles: exact ones of service times, with their intervals."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np

from bench.stats import N_FOR_P95, quantile_ranks
from bench.store.chosen import Chosen, asked_columns, asked_rows
from bench.store.queries import Row

_QUANTILES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}
_BOUNDS = {"p50": 0.5, "p95": 0.95}
_UNSURE = ("p95_s", "p99_s", "p95_low_s", "p95_high_s")
NO_TIMES: Row = dict.fromkeys(("p50_s", "max_s", "p50_low_s", "p50_high_s", *_UNSURE))
# The same cells are asked about again and again; the binomial takes its time.
_ranks = lru_cache(maxsize=4096)(quantile_ranks)


def quantiles_of_all(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> Row:
    """p50_s and p95_s of all trials together; p95_s is None below n = 72."""
    (row,) = asked_rows(
        con,
        """
        SELECT quantile_cont(one_s, [0.5, 0.95]) AS found, count(*) AS n
        FROM (SELECT unnest(service_s) AS one_s FROM timed)
        """,
        chosen,
    )
    p50_s, p95_s = row["found"] or (None, None)
    return {"p50_s": p50_s, "p95_s": p95_s if row["n"] >= N_FOR_P95 else None}


def quantiles_by(
    con: duckdb.DuckDBPyConnection, chosen: Chosen, by: Sequence[str]
) -> dict[tuple[Any, ...], Row]:
    """Quantiles, maximum and 95 % intervals for each group of some columns.

    Args:
        con: A connection to the index.
        chosen: What it is about.
        by: Columns of `asked`.

    Returns:
        By the values of `by`: p50_s, p95_s, p99_s, max_s, p50_low_s,
        p50_high_s, p95_low_s, p95_high_s; None without a bound, and for p95
        and p99 below 72 times.
    """
    names = ", ".join(by)
    # Put together here: the database would take 150 MB for a million times.
    found = asked_columns(con, f"SELECT {names}, service_s FROM timed", chosen)  # noqa: S608  own names
    keys = zip(*(found[name].tolist() for name in by), strict=True)
    parts = defaultdict[tuple[Any, ...], list[Any]](list)
    for key, some_s in zip(keys, found["service_s"], strict=True):
        parts[key].append(some_s)
    return {key: _times(np.sort(np.concatenate(all_s))) for key, all_s in parts.items()}


def _times(ordered: Any) -> Row:  # noqa: ANN401  an array of floats
    n = len(ordered)
    times: Row = dict(NO_TIMES)
    times["max_s"] = float(ordered[-1])
    for name, q in _QUANTILES.items():
        place = q * (n - 1)
        low, high = ordered[int(place)], ordered[min(int(place) + 1, n - 1)]
        times[name] = float(low + (high - low) * (place - int(place)))
    for name, q in _BOUNDS.items():
        for side, rank in zip(("low", "high"), _ranks(n, q), strict=True):
            times[f"{name}_{side}_s"] = rank and float(ordered[rank - 1])
    if n < N_FOR_P95:
        times.update(dict.fromkeys(_UNSURE))
    return times
