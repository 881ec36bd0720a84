"""Taken: which rows of several imports count, and which would twice."""

from datetime import date

import duckdb

# Of rows without an id, the newest file that has a day of a vendor's project counts.
_COUNTED = """
CREATE VIEW counted AS
WITH newest AS (
    SELECT
        day, coalesce(vendor, '') AS vendor, coalesce(project_id, '') AS project,
        max(import_no) AS import_no
    FROM taken WHERE row_id IS NULL GROUP BY ALL
)
SELECT t.* FROM taken_once AS t
LEFT JOIN newest AS n ON n.day = t.day AND n.vendor = coalesce(t.vendor, '')
    AND n.project = coalesce(t.project_id, '')
WHERE t.day BETWEEN coalesce($first, t.day) AND coalesce($last, t.day)
    AND (t.row_id IS NOT NULL OR n.import_no = t.import_no)
"""


def count_newest(
    con: duckdb.DuckDBPyConnection, first: date | None, last: date | None
) -> None:
    """Make `counted` over `taken`: what of several imports counts, in a period."""
    bounds = {"$first": first, "$last": last}
    sql = _COUNTED
    for name, day in bounds.items():
        sql = sql.replace(name, f"DATE '{day}'" if day else "NULL::DATE")
    con.execute(sql)


def n_replaced(con: duckdb.DuckDBPyConnection) -> int:
    """Rows of older imports that newer ones stand for."""
    ((n,),) = con.execute(
        "SELECT count(*) FROM (SELECT import_no, row_no FROM taken_once WHERE row_id "
        "IS NULL AND day BETWEEN (SELECT min(day) FROM counted) AND "
        "(SELECT max(day) FROM counted) EXCEPT SELECT import_no, row_no FROM counted)"
    ).fetchall()
    return int(n)


def days_in_two_ways(
    con: duckdb.DuckDBPyConnection,
) -> list[tuple[date, list[int]]]:
    """Days that are told by call and once more as sums: both would count."""
    return con.execute(
        """
        SELECT day, list(DISTINCT import_no ORDER BY import_no) FROM taken
        WHERE amount IS NOT NULL OR images IS NOT NULL
        GROUP BY day
        HAVING bool_or(row_id IS NULL) AND bool_or(row_id IS NOT NULL) ORDER BY day
        """
    ).fetchall()


def unlike_days(con: duckdb.DuckDBPyConnection) -> list[tuple[date, list[int]]]:
    """Days that one import splits by project and another does not."""
    return con.execute(
        """
        SELECT day, list(import_no ORDER BY import_no) FROM (
            SELECT day, import_no, bool_or(project_id IS NOT NULL) AS is_split
            FROM taken
            WHERE row_id IS NULL AND (amount IS NOT NULL OR images IS NOT NULL)
            GROUP BY day, import_no
        ) GROUP BY day HAVING count(DISTINCT is_split) > 1 ORDER BY day
        """
    ).fetchall()
