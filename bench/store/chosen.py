"""Chosen: the runs and cells that a figure is about, as SQL."""

from dataclasses import dataclass
from typing import Any

import duckdb

from bench.store.queries import Row, rows_of

NOT_SENT = ""
BY = ("endpoint", "model", "quality", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a person looks at; an empty filter lets everything through.

    Attributes:
        runs: Names of runs.
        qualities, sizes: As sent; "" stands for cells that send none.
        kinds: Kinds of runs: suite, metered.
    """

    runs: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """The values that `ASKED` binds."""
        return {
            "runs": list(self.runs),
            "suites": list(self.suites),
            "models": list(self.models),
            "qualities": list(self.qualities),
            "sizes": list(self.sizes),
            "endpoints": list(self.endpoints),
            "kinds": list(self.kinds),
        }


_FILTERS = {
    "runs": "r.run_id",
    "suites": "r.suite",
    "kinds": "r.kind",
    "models": "c.model",
    "qualities": "c.quality",
    "sizes": "c.size",
    "endpoints": "c.endpoint",
}
_WHERE = "\n    AND ".join(
    f"(len(${name}::VARCHAR[]) = 0 "
    f"OR list_contains(${name}::VARCHAR[], coalesce({column}, '')))"
    for name, column in _FILTERS.items()
)
# asked: the cells that are chosen; where none is ruled out, also one of each run
# for what was sent for no trial that is known: the trial's record is damaged.
# tallied, recorded: sums and single attempts of them, in flight or not. timed:
# service times of ok trials, a list a cell.
ASKED = f"""
WITH asked AS MATERIALIZED (
    SELECT
        c.run_id, c.cell_index, r.suite, r.created_at, c.endpoint, e.route,
        e.simulated, c.api, c.operation, c.model, c.mainline_model, c.quality, c.size,
        c.parameters, coalesce(r.load = 'batch', false) AS is_batch
    FROM (
        SELECT run_id, cell_index, endpoint, api, operation, model, mainline_model,
            quality, size, parameters::VARCHAR AS parameters
        FROM cell
        UNION ALL BY NAME
        SELECT run_id, -1 AS cell_index FROM run
    ) AS c
    JOIN run AS r ON r.run_id = c.run_id
    LEFT JOIN endpoint AS e ON e.run_id = c.run_id AND e.endpoint = c.endpoint
    WHERE {_WHERE}
    AND (c.cell_index >= 0 OR len($models) + len($qualities) + len($sizes)
        + len($endpoints) = 0)
), tallied AS (
    SELECT * FROM tally JOIN asked USING (run_id, cell_index)
), timed AS (
    SELECT * FROM timing JOIN asked USING (run_id, cell_index)
), recorded AS (
    SELECT * FROM (SELECT * EXCLUDE (endpoint, simulated) FROM recorded_attempt)
    JOIN asked USING (run_id, cell_index)
)
"""  # noqa: S608  own names; values are bound


def asked_rows(
    con: duckdb.DuckDBPyConnection, query: str, chosen: Chosen, **values: object
) -> list[Row]:
    """All rows of a query that stands on the names of `ASKED`."""
    return rows_of(con, f"{ASKED} {query}", {**chosen.values(), **values})


def asked_columns(
    con: duckdb.DuckDBPyConnection, query: str, chosen: Chosen
) -> dict[str, Any]:
    """The same as numpy arrays by column: for many numbers."""
    return con.execute(f"{ASKED} {query}", chosen.values()).fetchnumpy()


def choices(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """What can be chosen: values by the fields of `Chosen`.

    `runs` are rows of run_id, kind, suite, created_at, state, simulated, n_trials,
    attempts and client_limited, the newest first; the others are sorted texts, ""
    where some cell sends none.
    """
    found: dict[str, list[Any]] = {
        "runs": rows_of(
            con,
            "SELECT run_id, kind, suite, created_at, state, simulated, n_trials, "
            "attempts, client_limited FROM v_run ORDER BY created_at DESC, run_id DESC",
        )
    }
    sources = {
        "suites": "suite FROM run",
        "kinds": "kind FROM run",
        "models": "model FROM cell",
        "qualities": "quality FROM cell",
        "sizes": "size FROM cell",
        "endpoints": "endpoint FROM cell",
    }
    for name, source in sources.items():
        column, table = source.split(" FROM ")
        rows = con.execute(
            f"SELECT DISTINCT coalesce({column}, '') AS value FROM {table} "  # noqa: S608  own names
            "ORDER BY value"
        ).fetchall()
        found[name] = [value for (value,) in rows]
    return found
