"""Served: answers that brought something else than was asked."""

import duckdb

from bench.store.queries import Row, rows_of


def served_otherwise(con: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """What a run was served in place of what it asked, a row a kind.

    `endpoint`, `what` (size, quality, format, svg_model or images), `asked` and
    `served` as text, `n_answers` of that kind and `n_ok` of the endpoint; most first.
    """
    return rows_of(
        con,
        """
        WITH answered AS (
            SELECT endpoint, count(*) AS n_ok FROM v_attempt
            WHERE run_id = $run_id AND outcome = 'ok' GROUP BY endpoint
        ),
        flagged AS (
            SELECT
                trial_id, endpoint, images, served_size, served_quality,
                served_format, served_svg_model, unnest(flags) AS flag
            FROM v_attempt
            WHERE run_id = $run_id AND outcome = 'ok' AND len(flags) > 0
        ),
        odd AS (
            SELECT *, replace(flag, '_not_as_asked', '') AS what
            FROM flagged WHERE flag LIKE '%\\_not\\_as\\_asked' ESCAPE '\\'
        )
        SELECT
            o.endpoint, o.what,
            CASE o.what
                WHEN 'size' THEN t.size WHEN 'quality' THEN t.quality
                WHEN 'format' THEN t.output_format
                WHEN 'svg_model' THEN c.parameters->>'$.svg_model' ELSE t.n::VARCHAR
            END AS asked,
            CASE o.what
                WHEN 'size' THEN o.served_size WHEN 'quality' THEN o.served_quality
                WHEN 'format' THEN o.served_format
                WHEN 'svg_model' THEN o.served_svg_model ELSE o.images::VARCHAR
            END AS served,
            count(*) AS n_answers, any_value(a.n_ok) AS n_ok
        FROM odd AS o
        JOIN v_trial AS t ON t.run_id = $run_id AND t.trial_id = o.trial_id
        JOIN cell AS c ON c.run_id = $run_id AND c.cell_index = t.cell_index
        JOIN answered AS a ON a.endpoint = o.endpoint
        GROUP BY o.endpoint, o.what, asked, served
        ORDER BY n_answers DESC, o.endpoint, o.what, asked, served
        """,
        {"run_id": run_id},
    )
