"""Routes: direct or gateway, paired prompt by prompt, and how sure."""

from collections.abc import Sequence

import streamlit as st

from bench.commands.comparing import sentences
from bench.studies.levels import Level
from bench.studies.pairing import Pairing
from dashboards.charts.paired_differences import paired_differences
from dashboards.charts.points import quantile_points, ratio_points, ratio_summary
from dashboards.screens import tables
from dashboards.screens.compared import (
    Compared,
    ask_of_run,
    compared,
    endpoints_needed,
    pick_run,
)
from dashboards.screens.frame import (
    Row,
    Visit,
    chart,
    limited_mark,
    marked,
    note,
    say,
)

_MOST_PAIRINGS = 6


def show(visit: Visit) -> None:
    """Verdicts in words, the routes' figures, differences prompt by prompt."""
    run_id = pick_run(visit)
    if run_id is None:
        return
    limited_mark([row for row in visit.runs if row["run_id"] == run_id])
    with st.spinner("Pairing trials", show_time=True):
        found = ask_of_run(visit, compared, run_id)
    if found.comparison is None:
        say(endpoints_needed(list(found.routes)))
        return
    pairings = found.comparison.pairings[:_MOST_PAIRINGS]
    for pairing in pairings:
        _verdicts(pairing, found)
    if len(found.comparison.pairings) > 1:
        note(
            f"{len(found.comparison.pairings)} pairs were looked at; the intervals are "
            "for one each, so a lone narrow finding may be chance."
        )
    _levels(found.comparison.levels, found)
    for i, pairing in enumerate(pairings):
        _ratios(pairing, found, i)


def _verdicts(pairing: Pairing, found: Compared) -> None:
    st.subheader("Like with like", anchor=False)
    say(
        f"{_side(pairing.second, found)} against {_side(pairing.first, found)}, "
        f"{pairing.n_pairs:,} pairs"
    )
    for sentence in sentences(pairing):
        say(f"{sentence[0].upper()}{sentence[1:]}.")


def _side(name: str, found: Compared) -> str:
    mark = ", simulated" if _is_simulated(found, name) else ""
    return f"{name} ({found.routes[name]}{mark})"


def _is_simulated(found: Compared, *names: str) -> bool:
    levels = found.comparison.levels if found.comparison else ()
    return any(level.simulated for level in levels if level.name in names)


def _levels(levels: Sequence[Level], found: Compared) -> None:
    st.subheader("Endpoints", anchor=False)
    rows: list[Row] = [_level(level, found) for level in levels]
    tables.show(
        rows,
        [
            tables.text("Endpoint", "name"),
            tables.text("Route", "route"),
            *tables.success_columns(),
            *tables.time_columns(rows),
            tables.usd("US$ an image", "usd_per_image"),
            tables.usd("Charged", "charge_usd"),
            tables.usd("At list price", "list_usd"),
            *tables.doubt_columns(rows),
        ],
        alt="Endpoints of the run with counts, times and cost",
        key="routes-levels",
    )
    note("All trials of the run that the filters let through, paired or not.")


def _level(level: Level, found: Compared) -> Row:
    return {
        "name": marked(level.name, simulated=level.simulated),
        "route": found.routes[level.name],
        "n_settled": level.n_settled,
        "n_ok": level.n_ok,
        "ok_share": level.ok_share,
        **quantile_points(level.times),
        "usd_per_image": level.usd_per_image,
        "charge_usd": level.charge_usd,
        "list_usd": level.list_usd,
        "possibly_billed_usd": level.possibly_billed_usd,
        "n_charge_unknown": level.n_charge_unknown,
    }


def _ratios(pairing: Pairing, found: Compared, place: int) -> None:
    simulated = _is_simulated(found, pairing.first, pairing.second)
    rows = ratio_points(pairing, simulated=simulated)
    chart(
        paired_differences(rows, ratio_summary(pairing)),
        "Ratio of service times prompt by prompt with the interval of the median; the "
        "table below holds them",
        f"routes-ratios-{place}",
    )
    with st.expander("Prompt by prompt as a table"):
        tables.show(
            sorted(rows, key=lambda row: -row["ratio"]),
            [
                tables.text("Prompt", "prompt_id"),
                tables.Column(
                    heading="Times as long",
                    value=lambda row: row["ratio"],
                    words="{:.3f}".format,
                ),
                tables.count("Pairs", "n"),
            ],
            alt="Ratio of service times for each prompt",
            key=f"routes-ratios-table-{place}",
        )
