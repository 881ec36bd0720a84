"""Figures: counts, money and times over all runs."""

from decimal import Decimal

import duckdb

from bench.store.chosen import BY, Chosen, asked_rows, choices
from bench.store.quantiles import NO_TIMES, quantiles_by, quantiles_of_all
from bench.store.queries import IN_JOB, Row
from bench.store.times import loads, over_time, parts, slowest, spread
from pricing.money import share, times

__all__ = [
    "BY",
    "Chosen",
    "cells",
    "choices",
    "daily",
    "errors",
    "loads",
    "over_time",
    "parts",
    "slowest",
    "spread",
    "tokens",
    "totals",
]
CELL = (
    *("endpoint", "route", "simulated", "model", "quality", "size"),
    *("operation", "api", "mainline_model", "parameters"),
)
# Over several runs: jobs cost half and have no latency.
OF_RUNS = (*CELL, "is_batch")
_CELL = ", ".join(OF_RUNS)
_IS_SENT = "ends_trial AND billing <> 'not_sent'"
_IS_OK = "ends_trial AND outcome = 'ok'"
_IS_BAD = f"{_IS_SENT} AND outcome NOT IN ('ok', 'refused')"
_UNSURE = "billing = 'possibly_billed'"
_MONEY = ", ".join(
    f"sum({name})::DECIMAL(38,12) AS {name}"
    for name in ("charge_usd", "list_usd", "possibly_billed_usd")
)
_TOKENS = ", ".join(
    f"sum({name})::BIGINT AS {name}"
    for name in (
        *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
        *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
        *("mainline_input_tokens", "mainline_cached_tokens"),
        *("mainline_cache_write_tokens", "mainline_output_tokens"),
        *("svg_input_tokens", "svg_output_tokens", "svg_reasoning_tokens"),
    )
)


def _sum(name: str, where: str = "true", called: str = "") -> str:
    found = f"sum({name}) FILTER (WHERE {where})"
    return f"coalesce({found}, 0)::BIGINT AS {called or name}"


# What tallies come to, columns as in v_cell.
_SUMS = f"""
    {_sum("n_trials", "cell_index >= 0")},
    {_sum("n_trials", f"{_IS_SENT} AND NOT {IN_JOB}", "n_settled")},
    {_sum("n_trials", _IS_OK, "n_ok")},
    {_sum("n_trials", "ends_trial AND outcome = 'refused'", "n_refused")},
    {_sum("n_trials", f"{_IS_BAD} AND NOT {_UNSURE}", "n_failed")},
    {_sum("n_trials", f"{_IS_BAD} AND {_UNSURE}", "n_possibly_billed")},
    {_sum("attempts")},
    {_sum("images", _IS_OK)},
    {_sum("priced_images", _IS_OK)},
    sum(priced_usd)::DECIMAL(38,12) AS priced_usd,
    sum(priced_list_usd)::DECIMAL(38,12) AS priced_list_usd,
    {_MONEY},
    {_sum("n_charge_unknown")},
    {_sum("n_timed", _IS_OK)}
"""


def totals(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> Row:
    """One row over all that is chosen.

    Returns:
        n_runs, n_trials (planned), n_settled, n_ok, n_refused, n_failed,
        n_possibly_billed, ok_share (of settled ones), attempts, images,
        charge_usd, list_usd, possibly_billed_usd, n_charge_unknown (trials with
        money that is not in charge_usd), usd_per_image, usd_per_1000,
        list_usd_per_image (the same at the direct book's price), priced_images
        (what these are taken of),
        wasted_usd (charges of trials that ended without a usable picture),
        n_timed, p50_s, p95_s (None below n_timed = 72), first_at, last_at,
        simulated (some of it is), n_simulated (trials at simulated endpoints).
    """
    (row,) = asked_rows(
        con,
        f"""
        SELECT
            (SELECT count(DISTINCT run_id) FROM asked) AS n_runs, {_SUMS},
            CASE WHEN count(charge_usd) > 0 THEN coalesce(sum(wasted_usd), 0) END
                ::DECIMAL(38,12) AS wasted_usd,
            min(first_at) AS first_at, max(last_at) AS last_at,
            (SELECT coalesce(bool_or(simulated), false) FROM asked) AS simulated,
            {_sum("n_trials", "simulated", "n_simulated")}
        FROM tallied
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    return row | _unit_costs(row) | quantiles_of_all(con, chosen)


def cells(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """One row for each endpoint and request that is asked, over all runs.

    Returns:
        endpoint, route, simulated, model, quality, size, operation, api,
        mainline_model, parameters (JSON), is_batch (as jobs, at their rates), n_runs
        and the counts
        and money of `totals`, its dollars an image; p50_s, p95_s, p99_s,
        max_s, and p50_low_s, p50_high_s, p95_low_s, p95_high_s, their 95 %
        intervals by order statistics. What has no bound is None; p95_s and
        p99_s are None below n_timed = 72. A row without an endpoint holds the
        money of attempts whose trial's record is damaged.
    """
    rows = asked_rows(
        con,
        f"""
        SELECT {_CELL}, count(DISTINCT run_id) AS n_runs, {_SUMS}
        FROM tallied GROUP BY {_CELL} ORDER BY {_CELL}
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    found = quantiles_by(con, chosen, OF_RUNS)
    named = [tuple(row[name] for name in OF_RUNS) for row in rows]
    return [
        row | _unit_costs(row) | found.get(name, NO_TIMES)
        for name, row in zip(named, rows, strict=True)
    ]


def _unit_costs(row: Row) -> Row:
    each_usd = _per_image(row["priced_usd"], row["priced_images"])
    return {
        "ok_share": row["n_ok"] / row["n_settled"] if row["n_settled"] else None,
        "usd_per_image": each_usd,
        "list_usd_per_image": _per_image(row["priced_list_usd"], row["priced_images"]),
        "usd_per_1000": None if each_usd is None else times(each_usd, 1000),
    }


def _per_image(charge_usd: Decimal | None, images: int) -> Decimal | None:
    return None if charge_usd is None else share(charge_usd, Decimal(images))


def errors(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Attempts that were not ok by what was answered, most first.

    Returns:
        endpoint, route, simulated, outcome, http_status, error_code, attempts,
        charge_usd, possibly_billed_usd.
    """
    return asked_rows(
        con,
        f"""
        SELECT
            endpoint, route, simulated, outcome, http_status, error_code,
            sum(attempts)::BIGINT AS attempts,
            sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
            sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd
        FROM tallied
        WHERE outcome <> 'ok' AND NOT {IN_JOB}
        GROUP BY endpoint, route, simulated, outcome, http_status, error_code
        ORDER BY attempts DESC, endpoint, outcome, http_status, error_code
        """,  # noqa: S608  own names; values are bound
        chosen,
    )


def daily(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Spend by UTC day of each attempt's start, endpoint and route.

    Returns:
        day (a date), endpoint, route, simulated, charge_usd, list_usd,
        possibly_billed_usd, images, attempts.
    """
    return asked_rows(
        con,
        f"""
        SELECT
            day, endpoint, route, simulated, {_MONEY},
            {_sum("images", "outcome = 'ok'")}, sum(attempts)::BIGINT AS attempts
        FROM tallied
        WHERE day IS NOT NULL AND NOT in_flight
        GROUP BY day, endpoint, route, simulated
        ORDER BY day, endpoint, route, simulated
        """,  # noqa: S608  own names; values are bound
        chosen,
    )


def tokens(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Token sums of all attempts for each endpoint and request that is asked.

    Returns:
        The columns of `cells` that name a cell, the ten token counts
        (input totals include their cached part), attempts, n_reported,
        n_estimated, n_absent (attempts by where their usage is from).
    """
    sources = ", ".join(
        _sum("attempts", f"usage_source = '{source}'", f"n_{source}")
        for source in ("reported", "estimated", "absent")
    )
    return asked_rows(
        con,
        f"""
        SELECT {_CELL}, {_TOKENS}, sum(attempts)::BIGINT AS attempts, {sources}
        FROM tallied
        WHERE attempts > 0 AND NOT in_flight
        GROUP BY {_CELL} ORDER BY {_CELL}
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
