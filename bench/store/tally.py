"""Tally: what follows from all records of a run, kept beside them.

Screens read thousands of rows of `tally` and `timing` instead of millions of
attempts. Both are computed from the rows of their run alone, so that an index
that grew and one that was made anew are the same.
"""

from collections.abc import Iterable

import duckdb

_HERE = "run_id = $run_id"
_UNKNOWN = """
    NOT in_flight AND charge_usd IS NULL AND billing NOT IN ('not_sent', 'unbilled')
"""
_TOKENS = (
    *("input_text_tokens", "cached_text_tokens", "input_image_tokens"),
    *("cached_image_tokens", "output_image_tokens", "output_text_tokens"),
    *("mainline_input_tokens", "mainline_cached_tokens"),
    *("mainline_cache_write_tokens", "mainline_output_tokens"),
    *("svg_input_tokens", "svg_output_tokens", "svg_reasoning_tokens"),
)


def tally_runs(con: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> None:
    """Compute anew what follows from the rows of some runs.

    The caller begins and commits, after the last row of theirs was written.
    """
    for run_id in run_ids:
        here = {"run_id": run_id}
        row = con.execute(_N_JOURNALS, here).fetchone()
        has_more_journals = row is not None and row[0] > 1
        statements = (
            *((_ONE_A_NAME, _NO_SETTLED_INTENT) if has_more_journals else ()),
            *(_PLACE.format(table=table) for table in ("attempt", "open_intent")),
            *(
                _MARK_LAST.format(
                    table=table,
                    other_trials=_SEVERAL if has_more_journals else "",
                )
                for table in ("attempt", "open_intent")
            ),
            f"DELETE FROM tally WHERE {_HERE}",  # noqa: S608  own names
            _TALLY,
            f"DELETE FROM timing WHERE {_HERE}",  # noqa: S608  own names
            _TIMING,
        )
        for statement in statements:
            con.execute(statement, here)


_N_JOURNALS = f"""
SELECT count(*) FROM ingest_offset WHERE {_HERE} AND file <> 'plan.json'
"""  # noqa: S608  own names
# A journal that was copied tells everything twice.
_ONE_A_NAME = f"""
DELETE FROM attempt WHERE {_HERE} AND attempt_id IN (
    SELECT attempt_id FROM attempt WHERE {_HERE} GROUP BY attempt_id HAVING count(*) > 1
) AND rowid NOT IN (
    SELECT arg_min(rowid, (ended_at, journal, rowid)) FROM attempt WHERE {_HERE}
    GROUP BY attempt_id
)
"""  # noqa: S608  own names
_NO_SETTLED_INTENT = f"""
DELETE FROM open_intent WHERE {_HERE} AND attempt_id IN (
    SELECT attempt_id FROM attempt WHERE {_HERE}
)
"""  # noqa: S608  own names
_PLACE = f"""
UPDATE {{table}} SET
    cell_index = coalesce(p.cell_index, -1), warmup = coalesce(p.warmup, false)
FROM (
    SELECT a.rowid AS id, t.cell_index, t.warmup
    FROM {{table}} AS a
    LEFT JOIN (SELECT trial_id, cell_index, warmup FROM trial WHERE {_HERE}) AS t
        ON t.trial_id = a.trial_id
    WHERE a.{_HERE} AND coalesce(a.cell_index, -1) = -1
) AS p
WHERE {{table}}.rowid = p.id
"""  # noqa: S608  own names
# Two journals may each hold an attempt of one trial; one journal counts them up.
_SEVERAL = f"""
    UNION
    SELECT trial_id FROM recorded_attempt WHERE {_HERE}
    GROUP BY trial_id HAVING count(*) > 1
"""  # noqa: S608  own names
_MARK_LAST = f"""
UPDATE {{table}} SET ends_trial = NOT ends_trial
WHERE {_HERE} AND rowid IN (
    WITH tried_again AS (
        SELECT trial_id FROM attempt WHERE {_HERE} AND attempt_no > 1
        UNION
        SELECT trial_id FROM open_intent WHERE {_HERE}
        {{other_trials}}
    ), one AS (
        SELECT 'attempt' AS kept_in, rowid AS id, trial_id, attempt_no, attempt_id,
            ends_trial FROM attempt WHERE {_HERE}
        UNION ALL
        SELECT 'open_intent', rowid, trial_id, attempt_no, attempt_id,
            ends_trial FROM open_intent WHERE {_HERE}
    ), ranked AS (
        SELECT kept_in, id, ends_trial, row_number() OVER (
            PARTITION BY trial_id ORDER BY attempt_no DESC, attempt_id DESC, id
        ) = 1 AS is_last
        FROM one WHERE trial_id IN (FROM tried_again)
    )
    SELECT id FROM ranked WHERE kept_in = '{{table}}' AND ends_trial <> is_last
)
"""  # noqa: S608  own names
_ALIKE = """
    cell_index, day, in_flight, ends_trial, outcome, billing, http_status,
    error_code, usage_source
"""
_TALLY = f"""
INSERT INTO tally BY NAME
WITH one AS (
    SELECT *, started_at::DATE AS day, {_UNKNOWN} AS is_unknown
    FROM recorded_attempt WHERE {_HERE}
), tried_again AS (
    -- Money of a trial with several attempts is judged by its last one.
    SELECT
        trial_id,
        bool_or(ends_trial AND (in_flight OR outcome = 'ok')) AS is_good,
        max(attempt_id) FILTER (WHERE is_unknown) AS unknown_attempt_id
    FROM one
    WHERE trial_id IN (SELECT trial_id FROM one WHERE NOT ends_trial)
    GROUP BY trial_id
), judged AS (
    SELECT
        o.*,
        coalesce(t.is_good, o.in_flight OR o.outcome = 'ok') AS is_good,
        coalesce(
            o.attempt_id = t.unknown_attempt_id, o.is_unknown AND t.trial_id IS NULL
        ) AS tells_unknown,
        CASE WHEN t.trial_id IS NULL THEN NOT o.is_unknown
            ELSE t.unknown_attempt_id IS NULL END AS is_priced
    FROM one AS o LEFT JOIN tried_again AS t ON t.trial_id = o.trial_id
), planned AS (
    SELECT cell_index, count(*) AS n FROM trial WHERE {_HERE} GROUP BY cell_index
), begun AS (
    SELECT cell_index, count(*) AS n FROM one WHERE ends_trial GROUP BY cell_index
)
SELECT
    $run_id AS run_id, {_ALIKE},
    count(*) FILTER (WHERE ends_trial) AS n_trials,
    count(*) AS attempts,
    count(service_s) FILTER (WHERE NOT warmup) AS n_timed,
    sum(images)::BIGINT AS images,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
    sum(list_usd)::DECIMAL(38,12) AS list_usd,
    sum(possibly_billed_usd)::DECIMAL(38,12) AS possibly_billed_usd,
    (sum(bound_usd) FILTER (WHERE in_flight))::DECIMAL(38,12) AS reserved_usd,
    (sum(charge_usd) FILTER (WHERE NOT is_good))::DECIMAL(38,12) AS wasted_usd,
    count(*) FILTER (WHERE tells_unknown) AS n_charge_unknown,
    (sum(charge_usd) FILTER (WHERE is_priced))::DECIMAL(38,12) AS priced_usd,
    (sum(list_usd) FILTER (WHERE is_priced))::DECIMAL(38,12) AS priced_list_usd,
    (sum(images) FILTER (WHERE is_priced))::BIGINT AS priced_images,
    min(started_at) AS first_at, max(started_at) AS last_at,
    {", ".join(f"sum({name})::BIGINT AS {name}" for name in _TOKENS)}
FROM judged GROUP BY {_ALIKE}
UNION ALL BY NAME
SELECT
    $run_id AS run_id, p.cell_index, false AS in_flight, true AS ends_trial,
    p.n - coalesce(b.n, 0) AS n_trials, 0 AS attempts, 0 AS n_timed,
    0 AS n_charge_unknown
FROM planned AS p LEFT JOIN begun AS b ON b.cell_index = p.cell_index
WHERE p.n > coalesce(b.n, 0)
"""  # noqa: S608  own names
_TIMING = f"""
INSERT INTO timing BY NAME
SELECT
    $run_id AS run_id, cell_index, list(service_s ORDER BY service_s) AS service_s
FROM attempt
WHERE {_HERE} AND ends_trial AND outcome = 'ok' AND service_s IS NOT NULL
    AND NOT warmup
GROUP BY cell_index
"""  # noqa: S608  own names
