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
    # What was or may have been billed, with what it was asked for.
    "charges": """
        SELECT
            a.run_id, r.suite, r.tags, a.trial_id, a.attempt_id, p.prompt_id,
            a.endpoint, e.route,
            coalesce(e.prices->>'$.of', e.prices->>'$') AS book,
            coalesce(e.simulated, a.simulated, false) AS simulated,
            c.api, c.operation, c.model, c.quality, c.size,
            a.outcome, a.billing, a.usage_source, a.request_id, a.started_at,
            CASE WHEN a.usage_source IN ('reported', 'estimated') THEN
                coalesce(a.input_text_tokens, 0) + coalesce(a.input_image_tokens, 0)
                + coalesce(a.output_image_tokens, 0) + coalesce(a.output_text_tokens, 0)
                + coalesce(a.mainline_input_tokens, 0)
                + coalesce(a.mainline_output_tokens, 0)
                + coalesce(a.svg_input_tokens, 0) + coalesce(a.svg_output_tokens, 0)
            END AS tokens,
            a.images, a.charge_usd, a.list_usd, a.possibly_billed_usd
        FROM v_attempt AS a
        JOIN run AS r ON r.run_id = a.run_id
        LEFT JOIN endpoint AS e ON e.run_id = a.run_id AND e.endpoint = a.endpoint
        LEFT JOIN trial AS t ON t.run_id = a.run_id AND t.trial_id = a.trial_id
        LEFT JOIN cell AS c ON c.run_id = t.run_id AND c.cell_index = t.cell_index
        LEFT JOIN prompt AS p
            ON p.run_id = t.run_id AND p.prompt_index = t.prompt_index
        WHERE a.run_id = $run_id
            AND (
                a.billing NOT IN ('not_sent', 'unbilled')
                OR a.charge_usd <> 0 OR a.possibly_billed_usd > 0
            )
        ORDER BY a.started_at, a.attempt_id
    """,
}
TABLES = ("trials", "attempts", "cells")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A view's rows of one run; read it while the connection is open.

    Attributes:
        columns: Names, in the view's order.
        kinds: Their types as DuckDB names them, such as VARCHAR or JSON.
        n_rows: How many rows there are.
        n_charge_unknown: How many of them have no `charge_usd`.
        charge_usd: Their exact sum, None when nothing is known.
    """

    con: duckdb.DuckDBPyConnection
    name: str
    run_id: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    n_rows: int
    n_charge_unknown: int
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
    """One of `TABLES` for a run, or its `charges`."""
    here = {"run_id": run_id}
    described = con.execute(f"DESCRIBE {_FROM[name]}", here).fetchall()
    # All of it is fetched: a result that is left open stands in Arrow's way.
    ((n_rows, n_known, charge_usd),) = con.execute(
        "SELECT count(*), count(charge_usd), "  # noqa: S608  own names
        f"sum(charge_usd)::DECIMAL(38,12) FROM ({_FROM[name]})",
        here,
    ).fetchall()
    return Table(
        con=con,
        name=name,
        run_id=run_id,
        columns=tuple(row[0] for row in described),
        kinds=tuple(row[1] for row in described),
        n_rows=n_rows,
        n_charge_unknown=n_rows - n_known,
        charge_usd=charge_usd,
    )


def one_sided_cells(con: duckdb.DuckDBPyConnection, run_id: str) -> frozenset[int]:
    """Cells with an attempt whose charge is known, or its list price, not both.

    Their sums of the two are not like with like.
    """
    rows = con.execute(
        """
        SELECT DISTINCT cell_index FROM recorded_attempt
        WHERE run_id = $run_id AND (charge_usd IS NULL) <> (list_usd IS NULL)
        """,
        {"run_id": run_id},
    ).fetchall()
    return frozenset(row[0] for row in rows)
