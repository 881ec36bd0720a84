"""Figures: counts, money and times over all runs, for screens and reports."""

from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from bench.stats import N_FOR_P95, quantile_interval
from bench.store.chosen import BY, Chosen, asked_rows, choices
from bench.store.queries import Row
from bench.store.times import over_time, parts, slowest, spread
from pricing.money import share, times

__all__ = [
    "BY",
    "Chosen",
    "cells",
    "choices",
    "daily",
    "errors",
    "over_time",
    "parts",
    "slowest",
    "spread",
    "tokens",
    "totals",
]
_IS_TIMED = "ends_trial AND outcome = 'ok' AND service_s IS NOT NULL"
# What a group of attempts came to; columns as in v_cell.
_SUMS = f"""
    count(*) FILTER (
        WHERE ends_trial AND NOT in_flight AND billing <> 'not_sent'
    ) AS n_settled,
    count(*) FILTER (WHERE ends_trial AND outcome = 'ok') AS n_ok,
    count(*) FILTER (WHERE ends_trial AND outcome = 'refused') AS n_refused,
    count(*) FILTER (
        WHERE ends_trial AND outcome NOT IN ('ok', 'refused')
            AND billing NOT IN ('not_sent', 'possibly_billed')
    ) AS n_failed,
    count(*) FILTER (
        WHERE ends_trial AND outcome NOT IN ('ok', 'refused')
            AND billing = 'possibly_billed'
    ) AS n_possibly_billed,
    count(*) AS attempts,
    coalesce(sum(images) FILTER (WHERE ends_trial AND outcome = 'ok'), 0)::BIGINT
        AS images,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(list_usd)::DECIMAL(38,12) AS list_usd,
    sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    count(DISTINCT trial_id) FILTER (
        WHERE NOT in_flight AND charge_usd IS NULL
            AND billing NOT IN ('not_sent', 'unbilled')
    ) AS n_charge_unknown,
    count(*) FILTER (WHERE {_IS_TIMED}) AS n_timed
"""
_GROUP = "endpoint, route, simulated, model, quality, size"


def totals(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> Row:
    """One row over all that is chosen.

    Returns:
        n_runs, n_trials, n_settled, n_ok, n_refused, n_failed,
        n_possibly_billed, ok_share, attempts, images, charge_usd, list_usd,
        possibly_billed_usd, n_charge_unknown (trials), usd_per_image,
        wasted_usd (charges of trials that ended without a usable picture),
        n_timed, p50_s, p95_s (None below n = 72), first_at, last_at, simulated
        (some of it is), n_simulated (trials at simulated endpoints).
    """
    (row,) = asked_rows(
        con,
        f"""
        , planned AS (
            SELECT count(DISTINCT run_id) AS n_runs, coalesce(bool_or(simulated), false)
                AS simulated FROM asked
        ), trials AS (
            SELECT count(*) AS n_trials, count(*) FILTER (WHERE simulated)
                AS n_simulated
            FROM trial JOIN asked USING (run_id, cell_index)
        ), sums AS (
            SELECT {_SUMS},
                quantile_cont(service_s, [0.5, 0.95]) FILTER (WHERE {_IS_TIMED}) AS q,
                min(started_at) AS first_at, max(started_at) AS last_at
            FROM recorded JOIN asked USING (run_id, cell_index)
        )
        SELECT *, {_WASTED} AS wasted_usd FROM planned, trials, sums
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    return _rounded_off(row)


_WASTED = """(
    SELECT coalesce(sum(r.charge_usd), 0)::DECIMAL(38,12)
    FROM recorded AS r JOIN asked USING (run_id, cell_index)
    JOIN recorded AS l ON l.run_id = r.run_id AND l.trial_id = r.trial_id
        AND l.ends_trial
    WHERE r.charge_usd > 0 AND l.outcome <> 'ok'
)"""


def cells(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """One row for each endpoint, model, quality and size, over all runs.

    Returns:
        endpoint, route, simulated, model, quality, size, n_runs, n_trials and
        the counts and money of `totals`; p50_s, p95_s, p99_s, p50_low_s,
        p50_high_s, p95_low_s, p95_high_s (95 %, order statistics; what has no
        bound is None, and so is p95_s below n = 72), max_s, usd_per_image,
        usd_per_1000.
    """
    rows = asked_rows(
        con,
        f"""
        , trials AS (
            SELECT {_GROUP}, count(DISTINCT run_id) AS n_runs, count(*) AS n_trials
            FROM trial JOIN asked USING (run_id, cell_index) GROUP BY ALL
        ), sums AS (
            SELECT {_GROUP}, {_SUMS},
                quantile_cont(service_s, [0.5, 0.95, 0.99])
                    FILTER (WHERE {_IS_TIMED}) AS q,
                list(service_s) FILTER (WHERE {_IS_TIMED}) AS service_s
            FROM recorded JOIN asked USING (run_id, cell_index) GROUP BY ALL
        )
        SELECT {", ".join(f"t.{name}" for name in _GROUP.split(", "))},
            t.n_runs, t.n_trials, s.* EXCLUDE ({_GROUP})
        FROM trials AS t LEFT JOIN sums AS s ON {
            " AND ".join(
                f"s.{name} IS NOT DISTINCT FROM t.{name}" for name in _GROUP.split(", ")
            )
        }
        ORDER BY {_GROUP}
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    return [_rounded_off(_bounds(row.pop("service_s")) | row) for row in rows]


def _bounds(service_s: list[float] | None) -> Row:
    values = np.sort(np.asarray(service_s or [], dtype=float)).tolist()
    middle, high = quantile_interval(values, 0.5), quantile_interval(values, 0.95)
    return {
        "p50_low_s": middle.low,
        "p50_high_s": middle.high,
        "p95_low_s": high.low,
        "p95_high_s": high.high,
        "max_s": values[-1] if values else None,
    }


def _rounded_off(row: Row) -> Row:
    """The row with shares, quantiles and unit costs; counts 0 where none is."""
    for name in _COUNTS:
        row[name] = row[name] or 0
    quantiles = row.pop("q") or [None, None, None]
    names = ("p50_s", "p95_s", "p99_s")
    row.update(zip(names, quantiles, strict=False))
    if row["n_timed"] < N_FOR_P95:
        row["p95_s"] = None
    row["ok_share"] = row["n_ok"] / row["n_settled"] if row["n_settled"] else None
    row["usd_per_image"] = _per_image(row["charge_usd"], row["images"])
    each_usd = row["usd_per_image"]
    row["usd_per_1000"] = None if each_usd is None else times(each_usd, 1000)
    return row


_COUNTS = (
    *("n_settled", "n_ok", "n_refused", "n_failed", "n_possibly_billed"),
    *("attempts", "images", "n_charge_unknown", "n_timed"),
)


def _per_image(charge_usd: Decimal | None, images: int) -> Decimal | None:
    return None if charge_usd is None else share(charge_usd, Decimal(images))


def errors(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Attempts that were not ok by what was answered, most first.

    Returns:
        endpoint, outcome, http_status, error_code, attempts, charge_usd,
        possibly_billed_usd.
    """
    return asked_rows(
        con,
        """
        SELECT
            endpoint, outcome, http_status, error_code, count(*) AS attempts,
            sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
            sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd
        FROM (
            SELECT a.endpoint, r.outcome, r.http_status, r.error_code, r.charge_usd,
                r.possibly_billed_usd
            FROM recorded AS r JOIN asked AS a USING (run_id, cell_index)
            WHERE r.outcome <> 'ok'
        )
        GROUP BY ALL
        ORDER BY attempts DESC, endpoint, outcome, http_status, error_code
        """,
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
        """
        SELECT
            r.started_at::DATE AS day, a.endpoint, a.route, a.simulated,
            sum(r.charge_usd)::DECIMAL(38,12) AS charge_usd,
            sum(r.list_usd)::DECIMAL(38,12) AS list_usd,
            sum(r.possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
            coalesce(sum(r.images) FILTER (WHERE r.outcome = 'ok'), 0)::BIGINT
                AS images,
            count(*) AS attempts
        FROM recorded AS r JOIN asked AS a USING (run_id, cell_index)
        WHERE NOT r.in_flight
        GROUP BY ALL
        ORDER BY day, endpoint, route, simulated
        """,
        chosen,
    )


def tokens(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Token sums of all attempts for each endpoint, model, quality and size.

    Returns:
        endpoint, route, simulated, model, quality, size, the six token classes
        (input totals include their cached part), attempts, n_reported,
        n_estimated, n_absent (attempts by where their usage is from).
    """
    classes: Any = ", ".join(
        f"sum({name})::BIGINT AS {name}"
        for name in (
            *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
            *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
        )
    )
    return asked_rows(
        con,
        f"""
        SELECT {_GROUP}, {classes}, count(*) AS attempts,
            count(*) FILTER (WHERE usage_source = 'reported') AS n_reported,
            count(*) FILTER (WHERE usage_source = 'estimated') AS n_estimated,
            count(*) FILTER (WHERE usage_source = 'absent') AS n_absent
        FROM recorded JOIN asked USING (run_id, cell_index)
        WHERE NOT in_flight
        GROUP BY ALL ORDER BY {_GROUP}
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
