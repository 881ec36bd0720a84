"""Shown: everything that a person sees of one run."""

from dataclasses import dataclass, field

import duckdb

from bench.store import modes, queries
from bench.store.queries import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person sees of one run.

    Attributes:
        run: Its row of `v_run`.
        cells, possibly_billed, errors, offered: As the functions of these names in
            `bench.store.queries` say.
        streams, mainline_models, svg_authors, turns, conversations: As in
            `bench.store.modes`; empty where the run has none.
    """

    run: Row
    cells: list[Row]
    possibly_billed: list[Row]
    errors: list[Row]
    offered: Row | None = None
    streams: list[Row] = field(default_factory=list[Row])
    mainline_models: list[Row] = field(default_factory=list[Row])
    svg_authors: list[Row] = field(default_factory=list[Row])
    turns: list[Row] = field(default_factory=list[Row])
    conversations: list[Row] = field(default_factory=list[Row])


def read_shown(con: duckdb.DuckDBPyConnection, run_id: str) -> Shown | None:
    """Everything to show of a run, None when the index does not hold it."""
    row = queries.run(con, run_id)
    if row is None:
        return None
    return Shown(
        run=row,
        cells=queries.cells(con, run_id),
        possibly_billed=queries.possibly_billed(con, run_id),
        errors=queries.error_counts(con, run_id),
        offered=queries.offered(con, run_id),
        streams=modes.streams(con, run_id),
        mainline_models=modes.mainline_models(con, run_id),
        svg_authors=modes.svg_authors(con, run_id),
        turns=modes.turns(con, run_id),
        conversations=modes.conversations(con, run_id),
    )
