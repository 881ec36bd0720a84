"""Compared: one run's endpoints against each other, like with like."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import streamlit as st

from bench.errors import BadInput
from bench.store import queries
from bench.store.chosen import Chosen
from bench.store.figures import totals
from bench.studies.comparison import Comparison, Factor, compare_levels
from bench.studies.levels import is_timed
from bench.studies.saving import Saving, savings
from dashboards.screens.frame import SIMULATED, Row, Visit, say

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
MOST_TRIALS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The trials of a run that the filters let through, and what they say.

    Attributes:
        routes: Route of each endpoint.
        comparison: None where the run has only one endpoint.
    """

    trials: tuple[Row, ...]
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
    return f"{row['suite']}, {row['n_trials']:,} trials, {row['state']}{mark}"


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
        trials=tuple(rows),
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


def ratios(trials: Iterable[Row], first: str, second: str) -> list[dict[str, Any]]:
    """Service time of the second over the first, by prompt.

    Returns:
        `{prompt_id, ratio, n, simulated}`: the geometric mean over n pairs, as
        `bench.stats.ratio_difference` averages them.
    """
    sides: dict[str, dict[tuple[str, ...], Row]] = {first: {}, second: {}}
    for row in trials:
        if row["endpoint"] in sides and is_timed(row):
            sides[row["endpoint"]][_key(row)] = row
    logs: dict[str, list[float]] = defaultdict(list)
    for key, row in sides[first].items():
        other = sides[second].get(key)
        if other is not None:
            logs[row["prompt_id"]].append(
                math.log(other["service_s"] / row["service_s"])
            )
    is_simulated = any(
        row["simulated"] for rows in sides.values() for row in rows.values()
    )
    return [
        {
            "prompt_id": prompt_id,
            "ratio": math.exp(sum(found) / len(found)),
            "n": len(found),
            "simulated": is_simulated,
        }
        for prompt_id, found in logs.items()
    ]


def _key(row: Row) -> tuple[str, ...]:
    sent: dict[str, object] = orjson.loads(row["parameters"])
    asked = (row["prompt_id"], row["prompt_digest"], row["repeat"], row["api"])
    return (
        *map(str, asked),
        str(row["operation"]),
        str(row["model"]),
        *sorted(f"{name}={value}" for name, value in sent.items()),
    )


def endpoints_needed(found: Sequence[str]) -> str:
    """What is missing for a comparison, as a sentence."""
    only = ", ".join(found) or "none"
    return (
        f"This run, as filtered, has one endpoint: {only}. A comparison takes two in "
        "one run: pixelmeter run SUITE --endpoint DIRECT --endpoint GATEWAY."
    )
