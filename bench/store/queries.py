"""Queries: rows of the index for the commands, as plain dictionaries."""

from collections.abc import Mapping
from typing import Any

import duckdb

from bench.load.schedule import LATE_FROM_S

Row = dict[str, Any]
# Of `v_attempt`: it waits in a job of the Batch API, so it has not ended.
IN_JOB = "(outcome = 'lost' AND coalesce(error_code, '') = 'in_job')"


def rows_of(
    con: duckdb.DuckDBPyConnection,
    query: str,
    values: Mapping[str, object] | None = None,
) -> list[Row]:
    """All rows of a query, by column name."""
    answer = con.execute(query, dict(values or {}))
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def runs(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row a run, the newest first; columns of `v_run`."""
    return rows_of(con, "SELECT * FROM v_run ORDER BY created_at DESC, run_id DESC")


def run(con: duckdb.DuckDBPyConnection, run_id: str) -> Row | None:
    """The row of one run in `v_run`, None when the index does not hold it."""
    found = rows_of(
        con, "SELECT * FROM v_run WHERE run_id = $run_id", {"run_id": run_id}
    )
    return found[0] if found else None


def cells(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """One row a cell of a run, in the order of its plan; columns of `v_cell`.

    Beside them `parameters`, JSON, and `service_s` and `total_s`: the times of its
    ok trials in seconds, sorted, without warm-up.
    """
    return rows_of(
        con,
        """
        SELECT c.*, p.parameters, coalesce(t.service_s, []) AS service_s,
            coalesce(t.total_s, []) AS total_s
        FROM v_cell AS c
        JOIN cell AS p ON p.run_id = c.run_id AND p.cell_index = c.cell_index
        LEFT JOIN (
            SELECT
                cell_index, list(service_s ORDER BY service_s) AS service_s,
                list(total_s ORDER BY total_s) AS total_s
            FROM v_trial
            WHERE run_id = $run_id AND outcome = 'ok' AND NOT from_cache
                AND service_s IS NOT NULL AND NOT warmup
            GROUP BY cell_index
        ) AS t ON t.cell_index = c.cell_index
        WHERE c.run_id = $run_id
        ORDER BY c.cell_index
        """,
        {"run_id": run_id},
    )


def possibly_billed(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """Attempts of a run that may have been billed unknown to us, in order."""
    return rows_of(
        con,
        """
        SELECT a.*, p.prompt_id
        FROM v_attempt AS a
        LEFT JOIN trial AS t ON t.run_id = a.run_id AND t.trial_id = a.trial_id
        LEFT JOIN prompt AS p
            ON p.run_id = t.run_id AND p.prompt_index = t.prompt_index
        WHERE a.run_id = $run_id
            AND (a.billing = 'possibly_billed' OR a.possibly_billed_usd > 0)
        ORDER BY a.started_at, a.attempt_id
        """,
        {"run_id": run_id},
    )


def error_counts(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """Attempts of a run that ended, but not ok, by what was answered, most first."""
    return rows_of(
        con,
        f"""
        SELECT
            endpoint, outcome, http_status, error_code, count(*) AS attempts,
            any_value(error_message) AS error_message
        FROM v_attempt
        WHERE run_id = $run_id AND outcome <> 'ok' AND NOT {IN_JOB}
        GROUP BY endpoint, outcome, http_status, error_code
        ORDER BY attempts DESC, endpoint, outcome, http_status, error_code
        """,  # noqa: S608  own names; values are bound
        {"run_id": run_id},
    )


def trials(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """One row a planned trial of a run, with what a comparison needs.

    `parameters` is the JSON object of what its cell sends, `prompt_digest` tells
    prompts of one id apart; the rest are columns of `v_trial`, but that the bucket of
    a trial that waits in a job is `in_flight`.
    """
    return rows_of(
        con,
        """
        SELECT
            t.run_id, t.cell_index, t.prompt_id, md5(p.text) AS prompt_digest,
            t.repeat, t.endpoint, t.route,
            t.api, t.operation, t.model, t.mainline_model, t.quality, t.size,
            c.parameters,
            t.simulated,
            CASE WHEN t.in_job THEN 'in_flight' ELSE t.bucket END AS bucket,
            t.outcome, t.from_cache, t.service_s, t.total_s, t.started_at, t.warmup,
            t.images, t.charge_usd, t.list_usd, t.possibly_billed_usd,
            t.usage_source, t.charge_unknown
        FROM v_trial AS t
        JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
        JOIN prompt AS p ON p.run_id = t.run_id AND p.prompt_id = t.prompt_id
        WHERE t.run_id = $run_id
        ORDER BY t.position
        """,
        {"run_id": run_id},
    )


def requests(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """How the sent requests of a run ended: counts by prompt, endpoint and end.

    Columns: prompt_id, prompt_digest, endpoint, route, outcome, billing,
    simulated, n_requests.
    """
    return rows_of(
        con,
        """
        SELECT
            p.prompt_id, md5(p.text) AS prompt_digest, a.endpoint, e.route,
            a.outcome, a.billing, bool_or(coalesce(a.simulated, false)) AS simulated,
            count(*) AS n_requests
        FROM v_attempt AS a
        JOIN trial AS t ON t.run_id = a.run_id AND t.trial_id = a.trial_id
        JOIN prompt AS p ON p.run_id = t.run_id AND p.prompt_index = t.prompt_index
        JOIN endpoint AS e ON e.run_id = a.run_id AND e.endpoint = a.endpoint
        WHERE a.run_id = $run_id AND a.billing <> 'not_sent'
        GROUP BY ALL
        ORDER BY ALL
        """,
        {"run_id": run_id},
    )


def offered(con: duckdb.DuckDBPyConnection, run_id: str) -> Row | None:
    """The trials of a run with a schedule; None for one without.

    Returns:
        load, find_rate; n_offered (all that were planned) = n_on_time + n_late +
        n_unknown (sent, but their end is not recorded) + n_in_flight + n_not_sent;
        late_max_s, None where nothing was late. Late is what was begun more than
        10 ms after it was due by our own fault.
    """
    (row,) = rows_of(
        con,
        """
        SELECT
            any_value(r.load) AS load, any_value(r.find_rate) AS find_rate,
            count(*) AS n_offered,
            count(*) FILTER (WHERE is_sent AND t.late_s <= $late_s) AS n_on_time,
            count(*) FILTER (WHERE is_sent AND t.late_s > $late_s) AS n_late,
            count(*) FILTER (WHERE is_sent AND t.late_s IS NULL) AS n_unknown,
            count(*) FILTER (WHERE t.bucket = 'in_flight') AS n_in_flight,
            count(*) FILTER (WHERE t.bucket = 'not_sent') AS n_not_sent,
            max(t.late_s) FILTER (WHERE is_sent AND t.late_s > $late_s) AS late_max_s
        FROM (
            SELECT *, bucket NOT IN ('not_sent', 'in_flight') AS is_sent FROM v_trial
        ) AS t
        JOIN run AS r ON r.run_id = t.run_id
        WHERE t.run_id = $run_id AND r.load NOT IN ('closed', 'batch')
        """,
        {"run_id": run_id, "late_s": LATE_FROM_S},
    )
    return row if row["n_offered"] else None
