"""Compared: one run's endpoints against each other, like with like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from bench.errors import BadInput
from bench.store import queries
from bench.store.chosen import Chosen
from bench.store.figures import totals
from bench.studies.comparison import Comparison, Factor, compare_levels
from bench.studies.saving import Saving, savings
from bench.words.figures import so_many
from dashboards.screens.frame import SIMULATED, Row, Visit, say

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
MOST_TRIALS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the trials of a run say that the filters let through.

    Attributes:
        routes: Route of each endpoint.
        comparison: None where the run has only one endpoint.
    """

    routes: dict[str, str]
    comparison: Comparison | None


def pick_run(visit: Visit) -> str | None:
    """The run that is compared: one that the visitor names, else the newest fit.

    Says so where there is none.
    """
    runs = {str(row["run_id"]): row for row in visit.runs}
    if not runs:
        st.info("No run fits these filters. Clear one of them in the sidebar.")
        return None
    # The address holds what the box shows: a name stays, a state does not.
    picked = st.selectbox("Run", list(runs), key="of", bind="query-params", width=520)
    if picked not in runs:
        picked = next(iter(runs))
    say(_title(runs[picked]))
    if runs[picked]["n_trials"] > MOST_TRIALS:
        st.info(
            f"This run has more than {MOST_TRIALS:,} trials, too many to pair on a "
            "page. `pixelmeter compare RUN` does it."
        )
        return None
    return picked


def _title(row: Row) -> str:
    mark = SIMULATED if row["simulated"] else ""
    return f"{row['suite']}, {so_many(row['n_trials'], 'trial')}, {row['state']}{mark}"


def ask_of_run(visit: Visit, query: Callable[..., T], run_id: str) -> T:
    """The answer of a query about one run and the filters.

    Kept until that run changes: pairing and resampling take seconds, and other
    runs may be under way.
    """
    found = visit.ask(totals, Chosen(runs=(run_id,)))
    return visit.ask.while_same(sorted(found.items()), query, run_id, visit.chosen)


def compared(con: "duckdb.DuckDBPyConnection", run_id: str, chosen: Chosen) -> Compared:
    """Compare the endpoints of a run over the trials that filters let through."""
    rows = [row for row in queries.trials(con, run_id) if _fits(row, chosen)]
    try:
        comparison = compare_levels(rows, Factor.ENDPOINT)
    except BadInput:
        comparison = None
    return Compared(
        routes={str(row["endpoint"]): str(row["route"]) for row in rows},
        comparison=comparison,
    )


def saved(
    con: "duckdb.DuckDBPyConnection", run_id: str, chosen: Chosen
) -> tuple[Saving, ...]:
    """What one image a month saves, by variant; any volume is so many times it."""
    rows = [row for row in queries.trials(con, run_id) if _fits(row, chosen)]
    return savings(rows, 1)


def _fits(row: Row, chosen: Chosen) -> bool:
    wanted = (
        (chosen.models, "model"),
        (chosen.qualities, "quality"),
        (chosen.sizes, "size"),
        (chosen.endpoints, "endpoint"),
    )
    return all(not values or (row[key] or "") in values for values, key in wanted)


def endpoints_needed(found: Sequence[str]) -> str:
    """What is missing for a comparison, as a sentence."""
    only = ", ".join(found) or "none"
    return (
        f"This run, as filtered, has one endpoint: {only}. A comparison takes two in "
        "one run: pixelmeter run SUITE --endpoint DIRECT --endpoint GATEWAY."
    )
