"""Exported: the rows of a run as they leave the index."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

_BATCH_ROWS = 10_000
# One marked answer marks its endpoint for the run, as on every screen.
_FROM = {
    "trials": """
        SELECT * FROM v_trial WHERE run_id = $run_id ORDER BY position, trial_id
    """,
    "attempts": """
        SELECT a.* REPLACE (coalesce(e.simulated, a.simulated, false) AS simulated)
        FROM v_attempt AS a
        LEFT JOIN endpoint AS e ON e.run_id = a.run_id AND e.endpoint = a.endpoint
        WHERE a.run_id = $run_id
        ORDER BY a.started_at, a.attempt_id
    """,
    "cells": "SELECT * FROM v_cell WHERE run_id = $run_id ORDER BY cell_index",
}
TABLES = tuple(_FROM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A view's rows of one run; read it while the connection is open.

    Attributes:
        columns: Names, in the view's order.
        kinds: Their types as DuckDB names them, such as VARCHAR or JSON.
        n_rows: How many rows there are.
        charge_usd: Their exact sum, None when nothing is known.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    run_id: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    n_rows: int
    charge_usd: Decimal | None

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All rows, in an order that is the same each time."""
        answer = self.con.execute(_FROM[self.name], {"run_id": self.run_id})
        while batch := answer.fetchmany(_BATCH_ROWS):
            yield from batch

    def arrow(self) -> Any:  # noqa: ANN401  pyarrow has no types
        """The same rows as a `pyarrow.RecordBatchReader`."""
        found = self.con.sql(_FROM[self.name], params={"run_id": self.run_id})
        return found.to_arrow_reader(_BATCH_ROWS)


def table_of(con: duckdb.DuckDBPyConnection, name: str, run_id: str) -> Table:
    """One of `TABLES` for a run."""
    here = {"run_id": run_id}
    described = con.execute(f"DESCRIBE {_FROM[name]}", here).fetchall()
    # All of it is fetched: a result that is left open stands in Arrow's way.
    ((n_rows, charge_usd),) = con.execute(
        "SELECT count(*), sum(charge_usd)::DECIMAL(38,12) "  # noqa: S608  own names
        f"FROM ({_FROM[name]})",
        here,
    ).fetchall()
    return Table(
        con=con,
        name=name,
        run_id=run_id,
        columns=tuple(row[0] for row in described),
        kinds=tuple(row[1] for row in described),
        n_rows=n_rows,
        charge_usd=charge_usd,
    )
