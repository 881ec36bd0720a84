"""Reported: what answers told of their tokens and their cost."""

from decimal import Decimal

import duckdb

from bench.store.chosen import Chosen, asked_rows
from bench.store.queries import Row, rows_of
from bench.wire.cost import OTHERWISE

Alike = tuple[str, int, int]
# What decides which tokens the rule gives, and what was reported.
_ALIKE = """
    r.run_id, r.cell_index, r.images, r.served_size, r.served_quality,
    list_contains(r.flags, 'output_split_missing') AS is_unsplit,
    r.output_image_tokens
"""
# Where no picture was made no token is right.
_IS_REPORTED = """
    r.usage_source = 'reported' AND r.output_image_tokens IS NOT NULL
    AND (r.images > 0 OR r.output_image_tokens > 0)
"""


def reported_tokens(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Answers that reported their tokens; those of like image output in one row.

    Returns:
        run_id, cell_index, endpoint, route, simulated, vendor (of its prices),
        model, quality, size, operation, api, mainline_model, parameters (JSON), n
        and partial_images as asked; images, served_size,
        served_quality, is_unsplit (text and image output were not told apart),
        output_image_tokens; n_answers.
    """
    return asked_rows(
        con,
        f"""
        , alike AS (
            SELECT {_ALIKE}, count(*) AS n_answers
            FROM recorded AS r WHERE {_IS_REPORTED} GROUP BY ALL
        )
        SELECT
            l.*, k.endpoint, k.route, k.simulated, k.model, k.quality, k.size,
            k.operation, k.api, k.mainline_model, k.parameters,
            coalesce(e.prices->>'$.of', e.prices->>'$') AS vendor,
            coalesce(c.n, 1) AS n, coalesce(c.partial_images, 0) AS partial_images
        FROM alike AS l
        JOIN asked AS k ON k.run_id = l.run_id AND k.cell_index = l.cell_index
        JOIN cell AS c ON c.run_id = l.run_id AND c.cell_index = l.cell_index
        JOIN endpoint AS e ON e.run_id = l.run_id AND e.endpoint = k.endpoint
        ORDER BY l.run_id, l.cell_index, l.n_answers DESC, l.output_image_tokens
        """,  # noqa: S608  own names; values are bound
        chosen,
    )


def reported_usages(
    con: duckdb.DuckDBPyConnection, chosen: Chosen, alike: tuple[Alike, ...]
) -> list[Row]:
    """The usages behind some rows of `reported_tokens`; equal ones in one row.

    Args:
        con: A connection to the index.
        chosen: What it is about.
        alike: Run, cell and image output tokens of those rows.

    Returns:
        What tells the rows of `reported_tokens` apart, all token classes,
        charge_usd and list_usd of one answer; n_answers.
    """
    runs, cells, tokens = zip(*alike, strict=True) if alike else ((), (), ())
    return asked_rows(
        con,
        f"""
        , wanted AS (
            SELECT DISTINCT
                unnest($alike_runs::VARCHAR[]) AS run_id,
                unnest($alike_cells::INTEGER[]) AS cell_index,
                unnest($alike_tokens::BIGINT[]) AS output_image_tokens
        )
        SELECT
            {_ALIKE}, r.input_text_tokens, r.cached_text_tokens,
            r.input_image_tokens, r.cached_image_tokens, r.output_text_tokens,
            r.mainline_input_tokens, r.mainline_cached_tokens,
            r.mainline_cache_write_tokens, r.mainline_output_tokens,
            r.svg_input_tokens, r.svg_output_tokens, r.svg_reasoning_tokens,
            r.charge_usd, r.list_usd, count(*) AS n_answers
        FROM recorded AS r
        SEMI JOIN wanted AS w ON w.run_id = r.run_id AND w.cell_index = r.cell_index
            AND w.output_image_tokens = r.output_image_tokens
        WHERE {_IS_REPORTED}
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608  own names; values are bound
        chosen,
        alike_runs=list(runs),
        alike_cells=list(cells),
        alike_tokens=list(tokens),
    )


def n_costs_otherwise(con: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """How many answers of a run named a cost that is not what we charged."""
    (row,) = rows_of(
        con,
        "SELECT count(*) AS n FROM v_attempt "
        "WHERE run_id = $run_id AND list_contains(flags, $flag)",
        {"run_id": run_id, "flag": OTHERWISE},
    )
    return int(row["n"])


def estimated_charges(
    con: duckdb.DuckDBPyConnection, run_id: str
) -> tuple[int, Decimal | None]:
    """Requests that were charged without a reported usage, and their dollars."""
    (row,) = rows_of(
        con,
        "SELECT coalesce(sum(attempts), 0)::BIGINT AS n, "
        "sum(charge_usd)::DECIMAL(38,12) AS charge_usd FROM tally "
        "WHERE run_id = $run_id AND usage_source = 'estimated' AND NOT in_flight",
        {"run_id": run_id},
    )
    return int(row["n"]), row["charge_usd"]
