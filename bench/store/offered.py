"""Offered: what a schedule offered, and what became of it."""

import duckdb

from bench.load.schedule import LATE_FROM_S
from bench.store.queries import Row, rows_of


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
        WHERE t.run_id = $run_id AND r.load <> 'closed'
        """,
        {"run_id": run_id, "late_s": LATE_FROM_S},
    )
    return row if row["n_offered"] else None
