"""Times: how long trials took: spread, parts, the slowest, over time."""

import math
from datetime import timedelta
from typing import Any

import duckdb

from bench.stats import N_FOR_P95
from bench.store.chosen import BY, Chosen, asked_rows
from bench.store.queries import Row

_BINS_A_TENFOLD = 50
_MOST_BUCKETS = 60
_IS_TIMED = """
    r.ends_trial AND r.outcome = 'ok' AND r.service_s IS NOT NULL AND NOT r.warmup
"""
_PARTS = ("queued_s", "connect_s", "first_byte_s", "service_s", "total_s")


def _column(by: str) -> str:
    if by not in BY:
        raise ValueError(f"'{by}' is none of {', '.join(BY)}")
    return f"coalesce(r.{by}, '')"


def loads(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[str]:
    """How requests of the chosen runs began, as `--load` has it, each model once."""
    rows = asked_rows(
        con,
        """
        SELECT DISTINCT load FROM run
        WHERE run_id IN (SELECT run_id FROM asked) AND load <> 'batch' ORDER BY load
        """,
        chosen,
    )
    return [row["load"] for row in rows]


def spread(con: duckdb.DuckDBPyConnection, chosen: Chosen, by: str) -> list[Row]:
    """Service times in logarithmic bins, for each level of `by`.

    Args:
        con: A connection to the index.
        chosen: What it is about.
        by: endpoint, model, quality or size.

    Returns:
        level, low_s, high_s (a bin holds low_s <= t < high_s), n; bins without
        a trial are left out, so that a running sum of n is the ECDF.
    """
    rows = asked_rows(
        con,
        f"""
        SELECT
            level, floor(log10(service_s) * {_BINS_A_TENFOLD})::INTEGER AS bin,
            count(*) AS n
        FROM (
            SELECT {_column(by)} AS level, unnest(r.service_s) AS service_s
            FROM timed AS r
        )
        WHERE service_s > 0
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    return [
        {
            "level": row["level"],
            "low_s": 10 ** (row["bin"] / _BINS_A_TENFOLD),
            "high_s": 10 ** ((row["bin"] + 1) / _BINS_A_TENFOLD),
            "n": row["n"],
        }
        for row in rows
    ]


def parts(con: duckdb.DuckDBPyConnection, chosen: Chosen, by: str) -> list[Row]:
    """Where the time of ok trials goes, for each level of `by`.

    Returns:
        level, n, and p50 and p95 of queued_s, connect_s, first_byte_s,
        service_s and total_s as `<part>_p50_s`, `<part>_p95_s`, for example
        `queued_p50_s`; p95 is None below n = 72.
    """
    quantiles = ", ".join(
        f"quantile_cont(r.{name}, [0.5, 0.95]) AS {name}" for name in _PARTS
    )
    rows = asked_rows(
        con,
        f"""
        SELECT {_column(by)} AS level, count(*) AS n, {quantiles}
        FROM recorded AS r
        WHERE {_IS_TIMED}
        GROUP BY ALL ORDER BY level
        """,  # noqa: S608  own names; values are bound
        chosen,
    )
    return [_parted(row) for row in rows]


def _parted(row: Row) -> Row:
    answer: Row = {"level": row["level"], "n": row["n"]}
    for name in _PARTS:
        p50_s, p95_s = row[name] or (None, None)
        stem = name.removesuffix("_s")
        answer[f"{stem}_p50_s"] = p50_s
        answer[f"{stem}_p95_s"] = p95_s if row["n"] >= N_FOR_P95 else None
    return answer


def slowest(
    con: duckdb.DuckDBPyConnection, chosen: Chosen, limit: int = 20
) -> list[Row]:
    """The trials whose last attempt took longest, ok or not, but for warm-up.

    Returns:
        run_id, trial_id, prompt_id, endpoint, route, simulated, model, quality,
        size, service_s, first_byte_s, queued_s, total_s, attempts (of the
        trial), outcome, request_id, started_at.
    """
    return asked_rows(
        con,
        """
        , longest AS (
            -- Few columns first: the others are read for a handful of rows.
            SELECT a.rowid AS id
            FROM attempt AS a JOIN asked USING (run_id, cell_index)
            WHERE a.ends_trial AND a.service_s IS NOT NULL AND NOT a.warmup
            ORDER BY a.service_s DESC, a.trial_id LIMIT $limit
        ), found AS (
            SELECT a.* FROM attempt AS a JOIN longest ON a.rowid = longest.id
        ), counted AS (
            SELECT run_id, trial_id, count(*) AS attempts
            FROM recorded_attempt
            WHERE trial_id IN (SELECT trial_id FROM found)
            GROUP BY run_id, trial_id
        ), placed AS (
            SELECT run_id, trial_id, prompt_index FROM trial
            WHERE trial_id IN (SELECT trial_id FROM found)
        )
        SELECT
            f.run_id, f.trial_id, p.prompt_id, k.endpoint, k.route, k.simulated,
            k.model, k.quality, k.size, f.service_s, f.first_byte_s, f.queued_s,
            f.total_s, c.attempts, f.outcome, f.request_id, f.started_at
        FROM found AS f
        JOIN asked AS k ON k.run_id = f.run_id AND k.cell_index = f.cell_index
        JOIN counted AS c ON c.run_id = f.run_id AND c.trial_id = f.trial_id
        LEFT JOIN placed AS t ON t.run_id = f.run_id AND t.trial_id = f.trial_id
        LEFT JOIN prompt AS p
            ON p.run_id = t.run_id AND p.prompt_index = t.prompt_index
        ORDER BY f.service_s DESC, f.trial_id
        """,
        chosen,
        limit=limit,
    )


def over_time(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Times and failures by when attempts began, for each endpoint.

    Returns:
        begins_at (of the bucket, UTC), width_s, endpoint, route, simulated, n
        (trials that ended there), n_timed, p50_s, p95_s (None below n_timed =
        72), n_failed (attempts that were neither ok nor refused). At most 60
        buckets of equal width; those without an attempt are left out.
    """
    width_s = _bucket_width_s(con, chosen)
    rows = asked_rows(
        con,
        f"""
        SELECT
            time_bucket(to_seconds($width_s::INTEGER), r.started_at)
                AS begins_at,
            $width_s::INTEGER AS width_s, r.endpoint, r.route, r.simulated,
            count(*) FILTER (WHERE r.ends_trial) AS n,
            count(*) FILTER (WHERE {_IS_TIMED}) AS n_timed,
            quantile_cont(r.service_s, [0.5, 0.95]) FILTER (WHERE {_IS_TIMED}) AS q,
            count(*) FILTER (WHERE r.outcome NOT IN ('ok', 'refused')) AS n_failed
        FROM recorded AS r
        WHERE NOT r.in_flight
        GROUP BY ALL ORDER BY begins_at, endpoint, route, simulated
        """,  # noqa: S608  own names; values are bound
        chosen,
        width_s=width_s,
    )
    for row in rows:
        p50_s, p95_s = row.pop("q") or (None, None)
        row["p50_s"] = p50_s
        row["p95_s"] = p95_s if row["n_timed"] >= N_FOR_P95 else None
    return rows


# Widths that a reader can name.
_WIDTHS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800),
)


def _bucket_width_s(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> int:
    (row,) = asked_rows(
        con,
        "SELECT min(first_at) AS first_at, max(last_at) AS last_at FROM tallied",
        chosen,
    )
    if row["first_at"] is None:
        return _WIDTHS_S[0]
    span: Any = row["last_at"] - row["first_at"] or timedelta(0)
    # One bucket less, because the first one may begin before the first attempt.
    least_s = span.total_seconds() / (_MOST_BUCKETS - 1)
    named = next((width for width in _WIDTHS_S if width >= least_s), None)
    return named or math.ceil(least_s / 604_800) * 604_800
