"""Billed calls: a bill with a row a call, joined with our attempts."""

from decimal import Decimal

import duckdb

from bench.store.imported import exact
from bench.store.queries import Row, rows_of


def calls(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Bill and record of each call, by what both say of it.

    Rows of day, model, verdict and sums; `verdict` is same, said_0 (the bill says 0
    or nothing), lower, higher, unknown (our charge is), only_billed or only_ours.
    """
    rows = rows_of(con, _CALLS)
    for row in rows:
        row["billed_usd"] = exact(row["billed_usd"])
    return rows


def call_examples(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Some calls that both sides tell otherwise, the largest difference first."""
    rows = rows_of(
        con,
        f"""
        {_JUDGED}
        SELECT
            call_id, attempt_id, day, model, verdict, amount AS billed_usd, charge_usd
        FROM judged WHERE verdict IN ('said_0', 'lower', 'higher')
        ORDER BY abs(coalesce(usd, 0) - coalesce(charge_usd, 0)) DESC, call_id LIMIT 20
        """,  # noqa: S608  own names
    )
    for row in rows:
        billed = row["billed_usd"]
        row["billed_usd"] = None if billed is None else Decimal(billed)
    return rows


# A gateway computes with floats: a difference below 10^-12 dollars is their noise,
# which is also where our own lines are rounded.
_JUDGED = """
WITH judged AS (
    SELECT
        coalesce(b.day, o.day) AS day,
        coalesce(nullif(o.model, ''), b.model, '') AS model,
        b.row_id AS call_id, o.attempt_id, b.amount, o.charge_usd, b.status,
        b.amount::DECIMAL(38,18) AS usd,
        CASE
            WHEN o.attempt_id IS NULL THEN 'only_billed'
            WHEN b.row_id IS NULL THEN 'only_ours'
            WHEN o.charge_usd IS NULL THEN 'unknown'
            WHEN coalesce(usd, 0) = 0 AND o.charge_usd > 0 THEN 'said_0'
            WHEN abs(coalesce(usd, 0) - o.charge_usd) < 0.000000000001 THEN 'same'
            WHEN usd < o.charge_usd THEN 'lower'
            ELSE 'higher'
        END AS verdict
    FROM (SELECT * FROM counted WHERE row_id IS NOT NULL) AS b
    FULL JOIN (SELECT * FROM ours) AS o ON o.call_id = b.row_id
)
"""
_CALLS = f"""
{_JUDGED}
SELECT
    day, model, verdict, count(*) AS n, exact_sum(amount) AS billed_usd,
    sum(charge_usd)::DECIMAL(38,12) AS charge_usd
FROM judged GROUP BY day, model, verdict ORDER BY day, model, verdict
"""  # noqa: S608  own names
