"""Modes: what streams, mainline models and conversations came to."""

import duckdb

from bench.store.queries import Row, rows_of

_MAINLINE_COUNTS = (
    *("mainline_input_tokens", "mainline_cached_tokens"),
    *("mainline_cache_write_tokens", "mainline_output_tokens"),
)
_SUMS = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _MAINLINE_COUNTS)


def streams(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """One row a cell whose answers are streams, in the order of the plan.

    Returns:
        cell_index; n_ok; partials_asked and partials_came, of ok trials;
        first_partial_s and service_s: of ok trials in seconds, sorted, without
        warm-up.
    """
    return rows_of(
        con,
        """
        SELECT
            cell_index, count(*) FILTER (WHERE is_ok) AS n_ok,
            coalesce(sum(partial_images) FILTER (WHERE is_ok), 0)::BIGINT
                AS partials_asked,
            coalesce(sum(partials) FILTER (WHERE is_ok), 0)::BIGINT AS partials_came,
            coalesce(list(first_partial_s ORDER BY first_partial_s)
                FILTER (WHERE is_timed AND first_partial_s IS NOT NULL), [])
                AS first_partial_s,
            coalesce(list(service_s ORDER BY service_s)
                FILTER (WHERE is_timed AND service_s IS NOT NULL), []) AS service_s
        FROM (
            SELECT *, outcome = 'ok' AS is_ok,
                outcome = 'ok' AND NOT from_cache AND NOT warmup AS is_timed
            FROM v_trial WHERE run_id = $run_id AND stream
        )
        GROUP BY cell_index ORDER BY cell_index
        """,
        {"run_id": run_id},
    )


def mainline_models(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """What mainline models used; a row a cell and kind of rate.

    Returns:
        cell_index; card, the mainline model's frozen rates as JSON; is_long, whether
        rates of long inputs hold; requests that were answered; the four token
        sums of those with a known charge; list_usd, all of their charges at the
        direct book's price; n_reported, n_zero, n_absent: by what answers with a
        picture told of the image tool's tokens.
    """
    return rows_of(
        con,
        f"""
        SELECT
            cell_index, card, is_long, count(*) AS requests, {_SUMS},
            sum(list_usd)::DECIMAL(38,12) AS list_usd,
            count(*) FILTER (WHERE has_picture AND NOT (is_zero OR is_absent))
                AS n_reported,
            count(*) FILTER (WHERE is_zero) AS n_zero,
            count(*) FILTER (WHERE is_absent) AS n_absent
        FROM (
            SELECT
                a.cell_index, k.card::VARCHAR AS card, a.images > 0 AS has_picture,
                list_contains(a.flags, 'tool_usage_zero') AS is_zero,
                list_contains(a.flags, 'tool_usage_absent') AS is_absent,
                CASE WHEN a.charge_usd IS NOT NULL THEN a.list_usd END AS list_usd,
                coalesce(
                    a.mainline_input_tokens > (k.card->>'$.long_above_tokens')::BIGINT,
                    false
                ) AS is_long,
                {", ".join(_where_charged(name) for name in _MAINLINE_COUNTS)}
            FROM attempt AS a
            JOIN cell AS c ON c.run_id = a.run_id AND c.cell_index = a.cell_index
            JOIN card AS k ON k.run_id = c.run_id AND k.endpoint = c.endpoint
                AND k.model = c.mainline_model
            WHERE a.run_id = $run_id AND a.http_status BETWEEN 200 AND 299
        )
        GROUP BY cell_index, card, is_long ORDER BY cell_index, is_long
        """,  # noqa: S608  own names
        {"run_id": run_id},
    )


def _where_charged(name: str) -> str:
    return f"CASE WHEN a.charge_usd IS NOT NULL THEN a.{name} END AS {name}"


def turns(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """One row a turn of a conversation at a cell, over all repeats, in order.

    Returns:
        cell_index, conversation, turn; n, n_ok, n_sent; n_stranded, not sent since
        a turn before failed; service_s, of ok turns in seconds, sorted, without
        warm-up; charge_usd, n_charge_unknown.
    """
    return rows_of(
        con,
        """
        SELECT
            cell_index, conversation, turn, count(*) AS n,
            count(*) FILTER (WHERE outcome = 'ok') AS n_ok,
            count(*) FILTER (WHERE bucket <> 'not_sent') AS n_sent,
            count(*) FILTER (WHERE bucket = 'not_sent' AND is_over) AS n_stranded,
            coalesce(list(service_s ORDER BY service_s) FILTER (
                WHERE outcome = 'ok' AND service_s IS NOT NULL AND NOT warmup
            ), []) AS service_s,
            sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
            count(*) FILTER (WHERE charge_unknown) AS n_charge_unknown
        FROM (
            SELECT *, bool_or(
                bucket IN ('failed', 'possibly_billed', 'done')
                AND outcome NOT IN ('ok', 'rate_limited')
            ) OVER (
                PARTITION BY cell_index, conversation, repeat ORDER BY turn
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS is_over
            FROM v_trial
            WHERE run_id = $run_id AND conversation IS NOT NULL
        )
        GROUP BY cell_index, conversation, turn
        ORDER BY cell_index, min(position), turn
        """,
        {"run_id": run_id},
    )


def conversations(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """One row a conversation at a cell, over all repeats.

    Returns:
        cell_index, conversation; n_turns of each; n, n_whole (each turn ok);
        service_s: of whole ones, all turns together, sorted; charge_usd,
        n_charge_unknown (turns).
    """
    return rows_of(
        con,
        """
        SELECT
            cell_index, conversation, max(n_turns) AS n_turns, count(*) AS n,
            count(*) FILTER (WHERE n_ok = n_turns) AS n_whole,
            coalesce(list(service_s ORDER BY service_s)
                FILTER (WHERE n_ok = n_turns AND service_s IS NOT NULL), [])
                AS service_s,
            sum(charge_usd)::DECIMAL(38,12) AS charge_usd,
            sum(n_charge_unknown)::BIGINT AS n_charge_unknown
        FROM v_conversation WHERE run_id = $run_id
        GROUP BY cell_index, conversation ORDER BY cell_index, conversation
        """,
        {"run_id": run_id},
    )
