"""Reported: what answers told of their tokens and their cost."""

import duckdb

from bench.store.chosen import Chosen, asked_rows
from bench.store.queries import Row, rows_of
from bench.wire.cost import OTHERWISE


def reported_tokens(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> list[Row]:
    """Answers that reported their tokens, those that are alike in one row.

    Returns:
        run_id, cell_index, endpoint, route, simulated, vendor (of its prices),
        model, quality, size, n and partial_images as asked; images, served_size,
        served_quality, is_unsplit (text and image output were not told apart),
        the six token classes, charge_usd and list_usd of one answer; n_answers.
    """
    return asked_rows(
        con,
        """
        SELECT
            r.run_id, r.cell_index, r.endpoint, r.route, r.simulated,
            coalesce(e.prices->>'$.of', e.prices->>'$') AS vendor,
            r.model, r.quality, r.size, coalesce(c.n, 1) AS n,
            coalesce(c.partial_images, 0) AS partial_images,
            r.images, r.served_size, r.served_quality,
            list_contains(r.flags, 'output_split_missing') AS is_unsplit,
            r.input_text_tokens, r.cached_text_tokens,
            r.input_image_tokens, r.cached_image_tokens,
            r.output_image_tokens, r.output_text_tokens,
            r.charge_usd, r.list_usd, count(*) AS n_answers
        FROM recorded AS r
        JOIN cell AS c ON c.run_id = r.run_id AND c.cell_index = r.cell_index
        JOIN endpoint AS e ON e.run_id = r.run_id AND e.endpoint = r.endpoint
        WHERE r.usage_source = 'reported' AND r.output_image_tokens IS NOT NULL
        GROUP BY ALL
        ORDER BY r.run_id, r.cell_index, n_answers DESC, r.output_image_tokens
        """,
        chosen,
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
